"""Which layers the last units of figure 18 stand in, and what that decides.

    python benchmarks/pruning/thin.py MNIST [--fraction 0.5] [--rounds 3] [--runs 15]
        [--variants A B]

MNIST is the folder that holds it. Of FC20, FC20 dropped by halves five units are left after three
rounds; whether the first layer has one of them or more decides between a third and two thirds of
the test digits. Each variant changes a thing or two that the published recipe leaves open. Writes
results/benchmarks/pruning-thin-FRACTION.md, and keeps the rows of variants that are not asked for.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import torch
from kept_rows import rows_there
from torch import nn

from pipelines.reproduction.accuracy import accuracy_on_test
from pipelines.reproduction.dropnet_curve import PAPER
from pipelines.reproduction.running import nine_tenths_train
from pruning.data.load import load_splits
from pruning.data.splits import Splits
from pruning.dropnet import Runs, dropnet
from pruning.samples.scaling import Scaling

RESULTS = Path(__file__).resolve().parents[2] / "results" / "benchmarks"
STANDARDISED = Scaling(offset=(0.1307 * 255,), scale=(0.3081 * 255,))
"""Mean 0 and deviation 1, as tutorials scale MNIST."""
VARIANTS: dict[str, dict[str, object]] = {
    "as published": {}, "standardised": {}, "shuffled": {"shuffle": True},
    "best": {"keep": "best"}, "patience 10": {"patience": 10},
    "standardised, shuffled": {"shuffle": True},
}  # fmt: skip


def row_of(name: str, splits: Splits, fraction: float, rounds: int, runs: int) -> str:
    """Return a variant's row: mean accuracy, then the layers' units, each with its runs' mean."""
    if name.startswith("standardised"):
        splits = dataclasses.replace(splits, scaling=STANDARDISED)
    recipe = dataclasses.replace(PAPER.recipe, **VARIANTS[name])  # type: ignore[arg-type]
    settings = dataclasses.replace(
        PAPER, metric="minimum", fraction=fraction, rounds=rounds, recipe=recipe
    )
    *_, members = dropnet(Runs.of("mlp-a:20-20", runs), splits, settings)
    accuracy = np.array([100 * accuracy_on_test(member.network, splits) for member in members])
    widths = [_widths(member.network) for member in members]
    means = {
        width: accuracy[[found == width for found in widths]].mean() for width in sorted({*widths})
    }
    told = ", ".join(f"{widths.count(width)} × {width} {means[width]:.0f} %" for width in means)
    return f"| {name} | {len(members)} | {accuracy.mean():.1f} % | {told} |"


def _widths(network: nn.Module) -> str:
    layers = [layer for layer in network.modules() if isinstance(layer, nn.Linear)]
    return "-".join(str(layer.out_features) for layer in layers[:-1])


def main() -> None:
    """Try the variants, and write a table."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("mnist", type=Path)
    parser.add_argument("--fraction", type=float, default=0.5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--variants", nargs="+", default=[*VARIANTS], help="the others' rows stay")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    splits = nine_tenths_train(load_splits("mnist", data_dir=asked.mnist).splits)
    heading = (
        f"FC20, FC20 on MNIST, {asked.fraction:g} of the units dropped {asked.rounds} times: "
        "units of both layers, with how many runs have them and their mean accuracy"
    )
    table = RESULTS / f"pruning-thin-{asked.fraction:g}.md"
    command = f"thin.py MNIST --fraction {asked.fraction:g} --rounds {asked.rounds}"
    rows = rows_there(table, heading, VARIANTS)
    for name in asked.variants:
        rows[name] = row_of(name, splits, asked.fraction, asked.rounds, asked.runs)
        print(rows[name], flush=True)
        shown = [rows[each] for each in VARIANTS if each in rows]
        lines = (
            f"`python benchmarks/pruning/{command}`", "", heading, "",
            "| recipe | runs | mean | units of the layers |", "|---|--:|--:|---|", *shown,
        )  # fmt: skip
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
