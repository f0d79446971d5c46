"""One whole network by several recipes, judged by images that are no test data.

    python benchmarks/accuracy/whole.py CIFAR [--arch resnet20] [--seeds 101] [--epochs 6]
        [--recipes "sgd 0.2,textbook"]
    python benchmarks/accuracy/whole.py CIFAR --photos WORK [--seeds 103,104]

On all of CIFAR-10 a schedule of six epochs ranks recipes in a tenth of the time of a whole one,
by the 5,000 validation images. With ``--photos`` it is a whole schedule on 2,000 photos, made in
WORK, and 3,000 others of the training part judge, as in `settling.py`. CIFAR holds train/<class>/
and test/<class>/; its test part is not read. A line per recipe and seed stands in
results/benchmarks/whole.jsonl; what stands there is not measured again.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch
from json_lines import FOLDER, Row, keep, rows_of
from photos import make_new_photos

from pruning import DropNet, Recipe, Splits
from pruning.data.load import load_splits
from pruning.dropnet.algorithm import dropnet
from pruning.dropnet.population import Runs
from pruning.inference import predict_probabilities

RESULTS = FOLDER / "whole.jsonl"
SPLIT = 100
"""Seed of the split, `card.py`'s: its test part judges, and is left alone here."""
SGD: dict[str, Any] = {"optimizer": "sgd", "weight_decay": 5e-4}
PLAIN: dict[str, Any] = {"augment": "shift-flip", "label_smoothing": 0.0}
RECIPES: dict[str, dict[str, Any]] = {
    "adamw 0.002": {"optimizer": "adamw"},
    "textbook": {**SGD, **PLAIN, "learning_rate": 0.1},
    "sgd 0.05": {**SGD, "learning_rate": 0.05},
    "sgd 0.1": {**SGD, "learning_rate": 0.1},
    "sgd 0.2": {**SGD, "learning_rate": 0.2},
    "sgd 0.4": {**SGD, "learning_rate": 0.4},
    "adamw 0.006": {"optimizer": "adamw", "learning_rate": 0.006},
    "shift-flip": {"optimizer": "adamw", "augment": "shift-flip"},
    "plain": {"optimizer": "adamw", **PLAIN},
}
"""What differs from the usual: ``textbook`` is what a course would write."""


def main() -> None:
    """Measure what is not there yet, then report."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("cifar", type=Path)
    parser.add_argument("--photos", type=Path, metavar="WORK", help="photos go here")
    parser.add_argument("--arch", default="resnet20")
    parser.add_argument("--seeds", default="101")
    parser.add_argument("--epochs", type=int, help="6, or as usual with --photos")
    parser.add_argument("--recipes", default=",".join(RECIPES))
    asked = parser.parse_args()
    names = asked.recipes.split(",")
    if unknown := set(names) - set(RECIPES):
        parser.error(f"--recipes {','.join(unknown)}: there are {', '.join(RECIPES)}")
    torch.set_num_threads(1)
    epochs = asked.epochs or (None if asked.photos else 6)
    alike = {"data": "photos" if asked.photos else "cifar", "arch": asked.arch, "epochs": epochs}
    for seed in map(int, asked.seeds.split(",")):
        missing = [n for n in names if not rows_of(RESULTS, alike | {"seed": seed, "recipe": n})]
        if not missing:
            continue
        splits = splits_of(asked.cifar, asked.photos, seed)
        for name in missing:
            row = alike | {"seed": seed, "recipe": name} | measured(splits, alike, seed, name)
            keep(RESULTS, row)
            print(told(row), flush=True)
    for row in rows_of(RESULTS, alike):
        print(told(row))


def splits_of(cifar: Path, photos: Path | None, seed: int) -> Splits:
    """Return the parts; of photos the test part is the one that settles."""
    if photos is None:
        return load_splits(str(cifar), seed=SPLIT).splits
    make_new_photos(cifar, photos / "settling-photos")
    return load_splits(str(photos / "settling-photos"), seed=seed).splits


def measured(splits: Splits, alike: Row, seed: int, name: str) -> Row:
    """Train, and return how accurate the network is on what judges."""
    begun = time.process_time()
    settings = DropNet(rounds=0, recipe=Recipe(max_epochs=alike["epochs"], **RECIPES[name]))
    (member,) = next(dropnet(Runs.of(alike["arch"], seed=seed), splits, settings))
    accuracy = member.val_accuracy
    if alike["data"] == "photos":
        answers = predict_probabilities(member.network, splits.test.images, splits.scaling)
        accuracy = float((answers.argmax(1) == splits.test.labels).mean())
    return {
        "accuracy": round(accuracy, 4),
        "train_loss": round(member.epochs[-1].train_loss, 4),
        "epochs_seen": len(member.epochs),
        "seconds": round(time.process_time() - begun),
    }


def told(row: Row) -> str:
    """Return a row as a line to read."""
    return (
        f"{row['data']}, {row['arch']}, {row['epochs_seen']} epochs, seed {row['seed']}, "
        f"{row['recipe']}: {100 * row['accuracy']:.2f} %, {row['seconds']} s"
    )


if __name__ == "__main__":
    main()
