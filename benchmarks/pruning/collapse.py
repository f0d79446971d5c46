"""How many members collapse on the way down to 5 % of the units, under each recipe.

    python benchmarks/pruning/collapse.py --arch mlp-a --data mnist --seeds 20
    python benchmarks/pruning/collapse.py --arch conv-c --data cifar10 --limit 10000 --device cuda

A member has collapsed when it does no better on validation data than naming the commonest
class. Each seed is a run of its own, pruned by random units (the metric that spares least)
unless another is asked for, whatever κ says.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from pathlib import Path

from pruning.data.load import load_splits
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.member import Member
from pruning.networks.registry import build_network
from pruning.programs import stackable
from pruning.recipe import RECIPES, find_recipe

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def main() -> None:
    """Print a Markdown table: remaining share, collapsed and mean accuracy per recipe."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--arch", default="mlp-a")
    parser.add_argument("--data", default="mnist")
    parser.add_argument("--data-dir", type=Path, default=DATA)
    parser.add_argument("--limit", type=int)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--metric", default="random")
    parser.add_argument("--fraction", type=float, default=0.2)
    parser.add_argument("--recipes", nargs="+", default=list(RECIPES))
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    splits = load_splits(options.data, data_dir=options.data_dir, limit=options.limit).splits
    network = build_network(options.arch, len(splits.classes), splits.input_shape, 0)
    together = options.seeds if stackable(network) else 1
    print(f"{options.arch} on {options.data}, {splits.sizes['train']} training samples, "
          f"{options.seeds} seeds, {options.metric}")  # fmt: skip
    print("| recipe | remaining | collapsed | mean validation accuracy |\n|---|---|---|---|")
    for recipe in options.recipes:
        settings = DropNet(
            metric=options.metric, fraction=options.fraction, kappa=0.0, keep=0.05,
            recipe=find_recipe(recipe),
        )  # fmt: skip
        rounds: dict[int, list[Member]] = defaultdict(list)
        for start in range(0, options.seeds, together):
            seeds = tuple(range(start, min(start + together, options.seeds)))
            runs = Runs(options.arch, seeds, seeds)
            for members in dropnet(runs, splits, settings, device=options.device):
                rounds[members[0].round] += members
        for members in rounds.values():
            collapsed = sum(member.collapsed for member in members)
            accuracy = sum(member.val_accuracy for member in members) / len(members)
            remaining = sum(member.remaining for member in members) / len(members)
            share = f"{collapsed} of {len(members)}"
            print(f"| {recipe} | {remaining:.3f} | {share} | {accuracy:.4f} |", flush=True)


if __name__ == "__main__":
    main()
