"""How many members collapse on the way down to 5 % of the units, under each recipe.

    python benchmarks/pruning/collapse.py --arch mlp-a --fraction 0.4 --rows collapse.csv
    python benchmarks/pruning/collapse.py --arch conv-b --fraction 0.55 --epochs 1 --rows …
    python benchmarks/pruning/collapse.py --arch conv-c --data DIR --limit 10000 \\
        --fraction 0.55 --epochs 2 --rows …
    python benchmarks/pruning/collapse.py --rows collapse.csv --table

A member has collapsed when it does no better on validation data than naming the commonest
class. Each seed is a run of its own, pruned by random units (the metric that spares least)
unless another is asked for, whatever κ says. What random units leave does not depend on how
many rounds it took, so a larger fraction a round costs nothing but the rounds between. A
finished round is a row of the file; a seed that reached its end there is not run again.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections import defaultdict
from pathlib import Path
from typing import get_args

import torch

from pruning.data.load import load_splits
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.dropnet.settings import Rewind, Rewinding
from pruning.inference.stackable import stackable
from pruning.networks.architecture import build_network
from pruning.training.network_kind import network_kind
from pruning.training.recipe import RECIPES

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
KEEP = 0.05
SETTING = (
    "arch", "data", "train", "recipe", "rewind", "rescale", "metric", "fraction", "most_epochs",
)  # fmt: skip
FIELDS = (
    *SETTING, "seed", "round", "remaining", "val_accuracy", "collapsed", "attempts", "epochs",
    "seconds",
)  # fmt: skip


def main() -> None:
    """Run the seeds that are missing, or print the table of what is there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=Path, default=Path("collapse.csv"))
    parser.add_argument("--table", action="store_true", help="Print what is there, run nothing.")
    parser.add_argument("--arch", default="mlp-a")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--data-dir", type=Path, default=DATA)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--metric", default="random")
    parser.add_argument("--fraction", type=float, default=0.2)
    parser.add_argument("--epochs", type=int, help="Most epochs a round, else the recipe's.")
    parser.add_argument("--recipe", default="default")
    parser.add_argument(
        "--rewind",
        choices=get_args(Rewind),
        help="By default late, and initial for --recipe paper.",
    )
    parser.add_argument("--no-rescale", action="store_true", help="As --recipe paper always.")
    parser.add_argument("--together", type=int, default=10, help="Plain MLPs at a time.")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    if options.table:
        print(table(read(options.rows)))
    else:
        run(options)


def run(options: argparse.Namespace) -> None:
    """Train and prune, a row a seed and round, as each round ends."""
    splits = load_splits(options.data, data_dir=options.data_dir, limit=options.limit).splits
    rewind: Rewind = options.rewind or ("initial" if options.recipe == "paper" else "late")
    rescale = options.recipe != "paper" and not options.no_rescale
    network = build_network(options.arch, len(splits.classes), splits.input_shape, 0)
    recipe = RECIPES[options.recipe].resolved(
        kind=network_kind(network), shape=splits.input_shape, samples=splits.sizes["train"]
    )
    epochs = min(options.epochs or 1000, recipe.max_epochs or 1000)
    settings = DropNet(
        metric=options.metric, fraction=options.fraction, kappa=0.0, keep=KEEP,
        rewinding=Rewinding(rewind, rescale=rescale),
        recipe=type(recipe)(**vars(recipe) | {"max_epochs": epochs}),
    )  # fmt: skip
    setting = (
        options.arch, Path(options.data).name, splits.sizes["train"], options.recipe, rewind,
        int(rescale), options.metric, options.fraction, epochs,
    )  # fmt: skip
    ended = {
        int(row["seed"])
        for row in read(options.rows)
        if tuple(row[key] for key in SETTING) == tuple(map(str, setting))
        and float(row["remaining"]) <= KEEP
    }
    missing = [seed for seed in range(options.seeds) if seed not in ended]
    size = options.together if stackable(network) else 1
    for seeds in (tuple(missing[i : i + size]) for i in range(0, len(missing), size)):
        started = time.monotonic()
        for members in dropnet(
            Runs(options.arch, seeds, seeds), splits, settings, device=options.device
        ):
            seconds = round(time.monotonic() - started, 1)
            write(options.rows, [
                (*setting, m.seed, m.round, f"{m.remaining:.4f}", f"{m.val_accuracy:.4f}",
                 int(m.collapsed), m.attempts, len(m.epochs), seconds)
                for m in members
            ])  # fmt: skip


def read(file: Path) -> list[dict[str, str]]:
    """Return the rows that are there."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as lines:
        return list(csv.DictReader(lines))


def write(file: Path, rows: list[tuple[object, ...]]) -> None:
    """Append rows, after a header if the file is new."""
    new = not file.exists()
    with file.open("a", newline="", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerows([FIELDS, *rows] if new else rows)


def table(rows: list[dict[str, str]]) -> str:
    """Return Markdown: a row a setting and round; a seed counts once, by its last attempt."""
    found: dict[tuple[str, ...], dict[str, dict[str, str]]] = defaultdict(dict)
    for row in rows:
        found[*(row[key] for key in SETTING), row["round"]][row["seed"]] = row
    headings = [
        *SETTING,
        "remaining",
        "seeds",
        "drawn anew",
        "collapsed",
        "mean accuracy",
        "lowest",
    ]
    lines = [f"| {' | '.join(headings)} |", "|" + "---|" * len(headings)]
    for key, seeds in found.items():
        collapsed = sum(int(row["collapsed"]) for row in seeds.values())
        anew = sum(int(row["attempts"]) > 1 for row in seeds.values())
        accuracy = torch.tensor([float(row["val_accuracy"]) for row in seeds.values()])
        remaining = torch.tensor([float(row["remaining"]) for row in seeds.values()])
        cells = [
            *key[:-1], f"{remaining.mean():.3f}", str(len(seeds)), str(anew), str(collapsed),
            f"{accuracy.mean():.4f}", f"{accuracy.min():.4f}",
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
