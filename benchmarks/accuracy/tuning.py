"""What weights trained on other photos are worth, by how they are tuned.

    python benchmarks/accuracy/tuning.py CIFAR WORK [--seeds 101,102]

CIFAR holds ``train/<class>/``. One ``conv-c4`` at half its widths learns from 20,000 photos of the
four classes that `photos.py` leaves out; its weights, the last layer's but drawn anew, start four
networks on the 2,000 photos of the six others, which train unpruned; by two of the ways they are
then pruned to a fifth of their FLOPs. 3,000 further photos of CIFAR-10's training part judge, as
in `settling.py`. A line per seed stands in results/benchmarks/tuning.jsonl; what stands there is
not measured again.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from photos import COUNTS, make_new_photos
from PIL import Image
from safetensors.torch import save_file
from settling import ARCH, COST, MEMBERS, probabilities, scored

from pruning import DropNet, Member, Recipe, Splits, Target
from pruning.data.load import load_splits
from pruning.dropnet import Runs, dropnet

RESULTS = Path(__file__).resolve().parents[2] / "results" / "benchmarks" / "tuning.jsonl"
LEARNT = 15
"""Epochs of the weights to start from."""
TRIED: dict[str, Recipe] = {
    "all alike": Recipe(backbone_rate=1, head_epochs=0),
    "a tenth": Recipe(backbone_rate=0.1, head_epochs=0),
    "head first, then a tenth": Recipe(backbone_rate=0.1, head_epochs=3),
    "head first, then all alike": Recipe(backbone_rate=1, head_epochs=3),
    "the head alone": Recipe(backbone_rate=0),
}
PRUNED = ("all alike", "head first, then a tenth")


def main() -> None:
    """Measure what is not there yet, then report."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("cifar", type=Path, help="holds train/<class>/")
    parser.add_argument("work", type=Path, help="photos and weights go here")
    parser.add_argument("--seeds", default="101,102")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    photos = asked.work / "settling-photos"
    make_new_photos(asked.cifar, photos)
    for seed in map(int, asked.seeds.split(",")):
        if seed in {row["seed"] for row in rows()}:
            continue
        weights = learnt(asked.cifar, asked.work / f"learnt-{seed}.safetensors", seed)
        splits = load_splits(str(photos), seed=seed).splits
        row = {"seed": seed, "scores": measured(splits, weights, seed)}
        print(json.dumps(row), flush=True)
        with RESULTS.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
    report(rows())


def learnt(cifar: Path, file: Path, seed: int) -> Path:
    """Return the weights that photos of the other classes give."""
    if file.exists():
        return file
    names = sorted(folder.name for folder in (cifar / "train").iterdir())
    images, labels = [], []
    for label, name in enumerate(name for name in names if name not in COUNTS):
        for photo in sorted((cifar / "train" / name).iterdir()):
            images.append(np.moveaxis(np.asarray(Image.open(photo).convert("RGB")), -1, 0))
            labels.append(label)
    splits = Splits.from_arrays(np.stack(images), np.array(labels), seed=seed)
    settings = DropNet(rounds=0, recipe=Recipe(max_epochs=LEARNT))
    [member] = next(dropnet(Runs.of(ARCH, seed=seed), splits, settings))
    print(f"seed {seed}: {member.val_accuracy:.3f} of the four other classes", flush=True)
    save_file(member.network.state_dict(), file)
    return file


def measured(splits: Splits, weights: Path, seed: int) -> dict[str, dict[str, float]]:
    """Return what judges say of networks drawn, and of those that start from the weights."""
    runs, labels, scores = Runs.of(ARCH, MEMBERS, seed=seed), splits.test.labels, {}
    target = DropNet(metric="fpgm_layer", fraction=0.33, target=Target(flops=COST))
    tried = {"drawn": target} | {
        name: dataclasses.replace(target, init=str(weights), recipe=recipe)
        for name, recipe in TRIED.items()
    }
    for name, settings in tried.items():
        pruned = name in PRUNED
        last: dict[int, Member] = {}
        for standing in dropnet(runs, splits, settings):
            if not standing[0].round:
                scores[name] = scored(probabilities(standing, splits), labels)
                print(name, json.dumps(scores[name]), flush=True)
            last |= {member.run: member for member in standing}
            if not pruned:
                break
        if pruned:
            members = [last[run] for run in sorted(last)]
            scores[f"{name}, pruned"] = scored(probabilities(members, splits), labels)
    return scores


def report(found: Sequence[dict[str, Any]]) -> None:
    """Print means over the seeds."""
    print(f"seeds {[row['seed'] for row in found]}: one, all four, disagreement")
    for name in found[0]["scores"] if found else ():
        one, team, apart = (
            np.mean([row["scores"][name][score] for row in found])
            for score in ("single", "all", "disagreement")
        )
        print(f"{name:36} {100 * one:6.2f} %  {100 * team:6.2f} %  {apart:.3f}")


def rows() -> list[dict[str, Any]]:
    """Return what has been measured."""
    if not RESULTS.is_file():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
