"""One whole network on all of CIFAR-10: short schedules by several recipes, on validation data.

    python benchmarks/accuracy/whole.py CIFAR [--arch resnet20] [--seeds 101] [--epochs 6]
        [--recipes default,textbook]

CIFAR is CIFAR-10 as ``ensemble build --data`` takes it; its test part is not read. A schedule of
few epochs ranks recipes at a tenth of the time of a whole one. A line per recipe and seed stands
in results/benchmarks/whole.jsonl; what stands there is not measured again.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import torch
from json_lines import FOLDER, Row, keep, rows_of

from pruning import DropNet, Recipe
from pruning.data.load import load_splits
from pruning.dropnet.algorithm import dropnet
from pruning.dropnet.population import Runs

RESULTS = FOLDER / "whole.jsonl"
SPLIT = 100
"""Seed of the split, `card.py`'s: its test part judges, and is left alone here."""
SGD: dict[str, Any] = {"optimizer": "sgd", "weight_decay": 5e-4}
PLAIN: dict[str, Any] = {"augment": "shift-flip", "label_smoothing": 0.0}
RECIPES: dict[str, dict[str, Any]] = {
    "default": {},
    "textbook": {**SGD, **PLAIN, "learning_rate": 0.1},
    "sgd 0.1": {**SGD, "learning_rate": 0.1},
    "sgd 0.2": {**SGD, "learning_rate": 0.2},
    "adamw 0.006": {"learning_rate": 0.006},
    "shift-flip": {"augment": "shift-flip"},
    "plain": PLAIN,
}
"""What differs from the default: ``textbook`` is what a course would write."""


def main() -> None:
    """Measure what is not there yet, then report."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("cifar")
    parser.add_argument("--arch", default="resnet20")
    parser.add_argument("--seeds", default="101")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--recipes", default=",".join(RECIPES))
    asked = parser.parse_args()
    names = asked.recipes.split(",")
    if unknown := set(names) - set(RECIPES):
        parser.error(f"--recipes {','.join(unknown)}: there are {', '.join(RECIPES)}")
    torch.set_num_threads(1)
    splits = load_splits(asked.cifar, seed=SPLIT).splits
    for seed in map(int, asked.seeds.split(",")):
        for name in names:
            key = {"arch": asked.arch, "epochs": asked.epochs, "seed": seed, "recipe": name}
            if rows_of(RESULTS, key):
                continue
            begun = time.process_time()
            settings = DropNet(rounds=0, recipe=Recipe(max_epochs=asked.epochs, **RECIPES[name]))
            (member,) = next(dropnet(Runs.of(asked.arch, seed=seed), splits, settings))
            row = key | {
                "val": [round(epoch.val_accuracy, 4) for epoch in member.epochs],
                "train_loss": [round(epoch.train_loss, 4) for epoch in member.epochs],
                "seconds": round(time.process_time() - begun),
            }
            keep(RESULTS, row)
            print(told(row), flush=True)
    for row in rows_of(RESULTS, {"arch": asked.arch, "epochs": asked.epochs}):
        print(told(row))


def told(row: Row) -> str:
    """Return a row as a line to read."""
    return (
        f"{row['arch']}, {row['epochs']} epochs, seed {row['seed']}, {row['recipe']}: "
        f"{100 * row['val'][-1]:.2f} % on validation data, {row['seconds']} s"
    )


if __name__ == "__main__":
    main()
