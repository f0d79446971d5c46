"""What was tried of training on 2,000 photos, judged on photos that are no test data.

    python benchmarks/accuracy/settling.py WHAT [CIFAR WORK] [--seeds 101,102] [--epochs 20]
        [--arch conv-c4:32-32-64-64-128]

WHAT is one of `tried.TRIED` (``augment``, ``average``, ``teacher``, ``metric``, ``cost``,
``length``, ``recipe``, ``small``). ``conv-c4`` at half its widths, four networks, 20 epochs; a
pruned one goes on with the schedule after each round. The photos are those of `photos.py`; 3,000
others of CIFAR-10's training part judge. Without CIFAR it is eight ``mlp-a`` on the digits, by the
recipe and as far as usual, judged on the validation and the test part of these seeds. A line per
seed stands in results/benchmarks/settling.jsonl; what stands there is not measured again.
"""

from __future__ import annotations

import argparse
import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import torch
from json_lines import FOLDER, keep, rows_of
from photos import make_new_photos
from tried import TRIED, Found

from pruning import DropNet, Recipe, Split, Splits
from pruning.data.load import load_splits
from pruning.dropnet import Runs

RESULTS = FOLDER / "settling.jsonl"
ARCH, MEMBERS = "conv-c4:32-32-64-64-128", 4


def main() -> None:
    """Measure what is not there yet, then report."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("what", choices=[*TRIED])
    parser.add_argument("cifar", type=Path, nargs="?", help="holds train/<class>/")
    parser.add_argument("work", type=Path, nargs="?", help="photos go here")
    parser.add_argument("--seeds", default="101,102")
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--arch", default=ARCH, help="of photos")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data = "digits" if asked.work is None else "photos"
    if data == "digits" and asked.what in ("augment", "average"):
        parser.error(f"{asked.what}: with photos alone; say where CIFAR is, and where photos go")
    alike = {"what": asked.what, "data": data, "epochs": asked.epochs}
    if data == "photos":
        alike["arch"] = asked.arch
    for seed in map(int, asked.seeds.split(",")):
        key = alike | {"seed": seed}
        if rows_of(RESULTS, key):
            continue
        if data == "digits":
            runs, splits, settings = digits(seed)
        else:
            photos = asked.work / "settling-photos"
            make_new_photos(asked.cifar, photos)
            splits = load_splits(str(photos), seed=seed).splits
            runs, settings = Runs.of(asked.arch, MEMBERS, seed=seed), of_photos(asked.epochs)
        found = TRIED[asked.what](runs, splits, settings)
        scores = {name: scored(answers, splits.test.labels) for name, answers in found.items()}
        if asked.what == "metric":
            scores["one metric each"] = handed_out(found, splits.test.labels)
        keep(RESULTS, key | {"scores": scores})
        print(key, scores, flush=True)
    report(f"{asked.what}, {data}", rows_of(RESULTS, alike))


def of_photos(epochs: int) -> DropNet:
    """Return what photos are trained and pruned by."""
    recipe = Recipe(max_epochs=epochs)
    return DropNet(
        fraction=0.33, kappa=0.0, keep=0.45, rounds=2, metric="minimum_layer", recipe=recipe
    )


def digits(seed: int) -> tuple[Runs, Splits, DropNet]:
    """Return eight runs, the digits with the validation part among those that judge, settings."""
    splits = load_splits("digits", seed=seed).splits
    both = Split(
        *(np.concatenate([getattr(part, name) for part in (splits.val, splits.test)])
          for name in ("images", "labels"))
    )  # fmt: skip
    runs = Runs.of("mlp-a", 8, seed=seed)
    return runs, dataclasses.replace(splits, test=both), DropNet(kappa=0.0, metric="minimum_layer")


def scored(answers: np.ndarray, labels: np.ndarray) -> dict[str, float]:
    """Return the mean accuracy of one, that of all together, and how often two disagree."""
    predicted = answers.argmax(-1)
    pairs = itertools.combinations(predicted, 2)
    return {
        "single": float((predicted == labels).mean()),
        "all": float((answers.mean(0).argmax(-1) == labels).mean()),
        "disagreement": float(np.mean([(one != other).mean() for one, other in pairs])),
    }


def handed_out(found: Found, labels: np.ndarray) -> dict[str, float]:
    """Return mean scores of pools whose members have a metric each, over all ways to do it."""
    members = len(next(iter(found.values())))
    pools = [
        scored(np.stack([found[names[i % len(names)]][i] for i in range(members)]), labels)
        for names in itertools.permutations(found)
    ]
    return {name: float(np.mean([pool[name] for pool in pools])) for name in pools[0]}


def report(title: str, rows: list[dict[str, Any]]) -> None:
    """Print means over the seeds."""
    if not rows:
        return
    print(f"{title}, seeds {[row['seed'] for row in rows]}: one, all, disagreement")
    for name in rows[0]["scores"]:
        single, team, disagreement = (
            np.mean([row["scores"][name][score] for row in rows])
            for score in ("single", "all", "disagreement")
        )
        print(f"{name:34} {100 * single:6.2f} %  {100 * team:6.2f} %  {disagreement:.3f}")


if __name__ == "__main__":
    main()
