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
from pathlib import Path

import numpy as np
import torch
from json_lines import FOLDER, keep, rows_of
from photos import COUNTS, make_new_photos
from PIL import Image
from safetensors.torch import save_file
from settling import ARCH, MEMBERS, report, scored
from tried import at_the_cost, probabilities

from pruning import DropNet, Recipe, Splits
from pruning.data.load import load_splits
from pruning.dropnet import Runs, dropnet

RESULTS = FOLDER / "tuning.jsonl"
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
        if rows_of(RESULTS, {"seed": seed}):
            continue
        weights = learnt(asked.cifar, asked.work / f"learnt-{seed}.safetensors", seed)
        splits = load_splits(str(photos), seed=seed).splits
        scores = measured(splits, weights, seed)
        keep(RESULTS, {"seed": seed, "scores": scores})
        print(seed, scores, flush=True)
    report("tuning", rows_of(RESULTS))


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
    usual = DropNet(fraction=0.33)
    tried = {"drawn": usual} | {
        name: dataclasses.replace(usual, init=str(weights), recipe=recipe)
        for name, recipe in TRIED.items()
    }
    for name, settings in tried.items():
        unpruned = next(dropnet(runs, splits, settings))
        scores[name] = scored(probabilities(unpruned, splits), labels)
        if name in PRUNED:
            pruned = at_the_cost(runs, splits, settings, "fpgm_layer", unpruned)
            scores[f"{name}, pruned"] = scored(probabilities(pruned, splits), labels)
    return scores


if __name__ == "__main__":
    main()
