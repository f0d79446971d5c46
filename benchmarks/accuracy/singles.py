"""Whole networks by the default recipe: accuracy on the test part, alone and voting.

    python benchmarks/accuracy/singles.py DATA --archs conv-c,vgg16-bn --members 3 --device cuda

DATA is images as ``ensemble build --data`` takes them. A line per architecture, written as it is
known; what fits on the device trains side by side. ``--epochs`` in place of the recipe's own.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from pathlib import Path

import torch

from pruning.data.load import load_splits
from pruning.data.splits import Splits
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.inference.probabilities import predict_probabilities

RESULTS = Path(__file__).resolve().parents[2] / "results" / "benchmarks" / "singles.jsonl"


def trained(arch: str, splits: Splits, options: argparse.Namespace) -> dict[str, object]:
    """Train whole networks; return what they and their mean vote come to on the test part."""
    settings = DropNet(rounds=0)
    if options.epochs:
        recipe = dataclasses.replace(settings.recipe, max_epochs=options.epochs)
        settings = dataclasses.replace(settings, recipe=recipe)
    began = time.perf_counter()
    runs = Runs.of(arch, options.members, seed=options.seed)
    members = next(dropnet(runs, splits, settings, device=torch.device(options.device)))
    seconds = time.perf_counter() - began
    answers = torch.stack([
        torch.as_tensor(predict_probabilities(
            member.network, splits.test.images, splits.scaling, device=options.device
        )) for member in members
    ])  # fmt: skip
    labels = torch.as_tensor(splits.test.labels)
    single = [float((found.argmax(1) == labels).double().mean()) for found in answers]
    together = float((answers.mean(0).argmax(1) == labels).double().mean())
    return {
        "arch": arch, "members": len(single), "seed": options.seed, "epochs": options.epochs,
        "single": [round(100 * x, 2) for x in single],
        "mean": round(100 * sum(single) / len(single), 2),
        "together": round(100 * together, 2), "training_s": round(seconds, 1),
    }  # fmt: skip


def main() -> None:
    """Train one architecture after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data")
    parser.add_argument("--archs", default="conv-c,vgg16-bn,resnet20,resnet18-bn,resnet56")
    parser.add_argument("--members", type=int, default=3)
    parser.add_argument("--seed", type=int, default=200)
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--limit", type=int, help="samples to train and choose by; all")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    card = torch.cuda.get_device_name() if options.device.startswith("cuda") else "cpu"
    splits = load_splits(options.data, limit=options.limit).splits
    for arch in options.archs.split(","):
        line = json.dumps({**trained(arch, splits, options), "card": card})
        print(line, flush=True)
        with options.out.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    main()
