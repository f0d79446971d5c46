"""Digits with every sample tested once per seed: the chosen five against one and against all.

    python benchmarks/accuracy/folds.py [--seeds 2000-2009] [--m 20] [--s 5]

scikit-learn's 1,797 digits in five stratified folds; each fold is the test part of a build by
default settings on the other four. A line per seed goes to results/benchmarks/folds.jsonl; seeds
that stand there are left out. Differences are per seed over all 1,797 samples, their interval
Student's over the seeds.
"""

from __future__ import annotations

import argparse
from typing import Any

import numpy as np
import torch
from json_lines import FOLDER, keep, rows_of
from scipy.stats import t
from sklearn.datasets import load_digits
from sklearn.model_selection import StratifiedKFold

from pipelines.build.story import build
from pipelines.compare.gather import gather
from pipelines.compare.run_teams import contenders
from pipelines.run.config import BuildConfig
from pruning.data.splits import Splits

RESULTS = FOLDER / "folds.jsonl"
FOLDS, GAP = 5, 1000
ROWS = ("single_best_unpruned", "single_mean_unpruned", "all_unpruned", "all_pruned", "selected")


def main() -> None:
    """Measure the seeds that are not there yet, then report."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--seeds", default="2000-2009")
    parser.add_argument("--m", type=int, default=20)
    parser.add_argument("--s", type=int, default=5)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    first, last = map(int, asked.seeds.split("-"))
    sizes = {"m": asked.m, "s": asked.s}
    for seed in range(first, last + 1):
        if not rows_of(RESULTS, sizes | {"seed": seed}):
            row = measure(seed, asked.m, asked.s)
            keep(RESULTS, row)
            print(row, flush=True)
    report(rows_of(RESULTS, sizes))


def measure(seed: int, m: int, s: int) -> dict[str, Any]:
    """Return hits of each contender over all samples, and the mean share of FLOPs and bytes."""
    digits = load_digits()
    images = np.round(digits.images * (255 / 16)).astype(np.uint8)
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    hits, shares = dict.fromkeys(ROWS, 0.0), []
    for fold, (rest, test) in enumerate(folds.split(images, digits.target)):
        own = seed * GAP + fold * m
        splits = Splits.from_arrays(
            images[rest], digits.target[rest], test=(images[test], digits.target[test]), seed=own
        )
        evidence = gather(build(BuildConfig.of(m=m, s=s, seed=own), splits))
        found = {one.name: one for one in contenders(evidence, np.random.default_rng(own))}
        for name in ROWS:
            hits[name] += float(found[name].scores.correct.sum())
        share = found["selected"].cost.share_of(found["all_unpruned"].cost)
        shares.append((share.flops, share.bytes))
    flops, size = np.mean(shares, axis=0)
    return {"seed": seed, "m": m, "s": s, "samples": len(images), "hits": hits,
            "flops_share": float(flops), "bytes_share": float(size)}  # fmt: skip


def report(rows: list[dict[str, Any]]) -> None:
    """Print means over the seeds, and the chosen team's differences with their intervals."""
    if not rows:
        return
    accuracy = {
        name: 100 * np.array([row["hits"][name] / row["samples"] for row in rows]) for name in ROWS
    }
    samples = rows[0]["samples"]
    print(f"\ndigits, {len(rows)} seeds, each of {samples} samples tested once per seed")
    for name in ROWS:
        print(f"{name:24} {accuracy[name].mean():6.2f} %")
    for kind in ("flops", "bytes"):
        share = np.mean([row[f"{kind}_share"] for row in rows])
        print(f"the selected team takes {100 * share:.1f} % of the {kind} of all")
    for name in ("single_best_unpruned", "all_unpruned"):
        gap = accuracy["selected"] - accuracy[name]
        half = t.ppf(0.975, len(gap) - 1) * gap.std(ddof=1) / len(gap) ** 0.5 if len(gap) > 1 else 0
        print(f"selected − {name:22} {gap.mean():+.2f} points, 95 % {gap.mean() - half:+.2f} to "
              f"{gap.mean() + half:+.2f}")  # fmt: skip


if __name__ == "__main__":
    main()
