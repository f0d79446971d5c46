"""What a narrow beam loses against exact HQ (5 of 20, three pools).

python benchmarks/selection/beam.py
"""

from __future__ import annotations

import numpy as np
from common import RESULTS, machine, stored, synthetic

from selection.methods.hq import HierarchicalSelection
from selection.pool import PoolPredictions

WIDTHS = (1, 3, 10, 30, 100, 300, 1000, 5_000)
REPETITIONS = 10


def pools(name: str) -> list[PoolPredictions]:
    if name == "synthetic":
        return [synthetic(20, 2000, seed=100 + r) for r in range(REPETITIONS)]
    p, labels = stored(name)
    ids = tuple(map(str, range(20)))
    drawn = [np.random.default_rng(r).choice(len(p), 20, replace=False) for r in range(REPETITIONS)]
    return [PoolPredictions(p[np.sort(rows)], labels, ids, "select") for rows in drawn]


def main() -> None:
    lines = ["# A narrow beam against exact HQ (S = 5, M = 20)", "", f"{machine()}.", "",
             f"{REPETITIONS} pools each. Same: the share of pools with the same team. Loss: mean "
             "accuracy on the selection split below exact.", "",
             "| pool | beam | same | loss |", "|---|---|---|---|"]  # fmt: skip
    for name in ("synthetic", "digits", "mnist-400"):
        drawn = pools(name)
        exact = [HierarchicalSelection(size=5).fit_pool(pool) for pool in drawn]
        for width in WIDTHS:
            found = [HierarchicalSelection(size=5, beam=width).fit_pool(pool) for pool in drawn]
            same = np.mean([f.team_ == e.team_ for f, e in zip(found, exact, strict=True)])
            loss = np.mean([
                e.candidates_["accuracy"][0] - f.candidates_["accuracy"][0]
                for f, e in zip(found, exact, strict=True)
            ])  # fmt: skip
            lines.append(f"| {name} | {width:,} | {same:.0%} | {loss:+.5f} |")
            print(lines[-1], flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "selection_beam.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
