"""Where dropping the most active units empties a layer, by what the published recipe leaves open.

    python benchmarks/pruning/emptied.py MNIST [--arch mlp-a:40-40] [--runs 5] [--variants A,B]

MNIST is the folder that holds it. Figure 3 of Tan & Motani 2020 has runs whose second layer lives
at a fifth of the units; by their recipe as it is known, all of ours have lost it by then. Each
variant changes one thing. Writes results/benchmarks/pruning-emptied.md.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import torch
from kept_rows import rows_there

from pipelines.reproduction.accuracy import accuracy_on_test, one_answer
from pipelines.reproduction.dropnet_curve import PAPER
from pruning.data.load import load_splits
from pruning.data.splits import Splits
from pruning.dropnet import DropNet, Runs, dropnet

RESULTS = Path(__file__).resolve().parents[2] / "results" / "benchmarks" / "pruning-emptied.md"
ROUNDS = 6
VARIANTS: dict[str, dict[str, object]] = {
    "as published": {},
    "shuffled": {"shuffle": True},
    "best": {"keep": "best"},
    "patience 1": {"patience": 1},
    "patience 10": {"patience": 10},
    "5 epochs": {"max_epochs": 5},
    "3 epochs": {"max_epochs": 3, "patience": 3},
    "rate 0.03": {"learning_rate": 0.03},
    "rate 0.01": {"learning_rate": 0.01},
    "adam 0.001": {"optimizer": "adam", "learning_rate": 0.001},
}
"""What differs from the published recipe: order, weights kept, how long a training takes, steps."""


def alive(
    arch: str, runs: int, splits: Splits, settings: DropNet
) -> list[tuple[float, int, float]]:
    """Return, round by round, the share of units, the runs that have all layers, mean accuracy.

    A run that has lost a layer counts as one that always gives the same answer.
    """
    found, answer = [], one_answer(splits)
    for members in dropnet(Runs.of(arch, runs), splits, settings):
        scores = [accuracy_on_test(member.network, splits) for member in members]
        lost = [answer] * (runs - len(members))
        found.append((members[0].remaining, len(members), float(np.mean(scores + lost))))
    return found


def main() -> None:
    """Try the variants, and write a table."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--arch", default="mlp-a:40-40")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--variants", default=",".join(VARIANTS), help="the others' rows stay")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    splits = load_splits("mnist", data_dir=asked.mnist).splits
    lines = dict.fromkeys(VARIANTS, "") | rows_there(
        RESULTS, f" of {asked.arch} on MNIST", VARIANTS
    )
    for name in asked.variants.split(","):
        recipe = dataclasses.replace(PAPER.recipe, **VARIANTS[name])  # type: ignore[arg-type]
        settings = dataclasses.replace(PAPER, metric="maximum", rounds=ROUNDS, recipe=recipe)
        found = alive(asked.arch, asked.runs, splits, settings)
        cells = [f"{100 * share:.0f} %: {count}, {100 * mean:.1f}" for share, count, mean in found]
        lines[name] = f"| {name} | {' | '.join(cells)}{' | ' * (ROUNDS + 1 - len(cells))}|"
        print(lines[name], flush=True)
    rounds = "".join(f" round {k} |" for k in range(ROUNDS + 1))
    RESULTS.write_text(
        f"# Where *maximum* empties a layer of {asked.arch} on MNIST\n\n"
        f"`python benchmarks/pruning/emptied.py MNIST --runs {asked.runs}`: units that are left: "
        "runs that have both layers, mean test accuracy in percent.\n\n"
        f"| variant |{rounds}\n|---|{'---|' * (ROUNDS + 1)}\n"
        + "\n".join(filter(None, lines.values())) + "\n",
        encoding="utf-8",
    )  # fmt: skip


if __name__ == "__main__":
    main()
