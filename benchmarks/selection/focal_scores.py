"""All focal scores of 21,679 teams, against the published functions.

    python benchmarks/selection/focal_scores.py [--teams 24]

Needs ``pip install --no-deps EnsembleBench scikit-learn``. Both sides run in this process,
one thread; the published time is that of a sample of teams, scaled up by size.
"""

from __future__ import annotations

import argparse
import sys
from math import comb

import numpy as np
from common import MEASURES, RESULTS, Timing, machine, synthetic, timed

from selection.focal import FocalDiversity, rank_weights
from selection.pool import PoolPredictions
from selection.search.lattice import all_teams
from selection.search.problem import Problem

SIZES = (2, 3, 4, 5)


def ours(pool: PoolPredictions) -> list[list[np.ndarray]]:
    """Count, then score all teams of each size by each measure."""
    problem = Problem(pool, max(SIZES))
    scorers = [FocalDiversity(problem.negatives, name) for name in MEASURES]
    out = []
    for size in SIZES:
        teams = all_teams(len(pool), size)
        weights = rank_weights(teams, problem.member_right)
        out.append([scorer.scores(teams, weights) for scorer in scorers])
    return out


def published(pool: PoolPredictions, team: tuple[int, ...], library) -> np.ndarray:
    """Return (S, 4) the published functions on each member's negatives."""
    predictions, labels = pool.predictions, pool.labels
    rows = []
    for focal in team:
        negative = predictions[focal] != labels
        m, y = predictions[list(team)][:, negative], labels[negative]
        rows.append([
            library.cohen_kappa_statistic(m), library.binary_disagreement(m, y),
            library.kohavi_wolpert_variance(m, y), library.generalized_diversity(m, y),
        ])  # fmt: skip
    return np.array(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--teams", type=int, default=24)
    asked = parser.parse_args()
    try:
        from EnsembleBench import diversityMetrics
    except ImportError:
        sys.exit("EnsembleBench is not installed: pip install --no-deps EnsembleBench")
    pool = synthetic(20, 5000)
    ours(synthetic(6, 100))
    _, here = timed(lambda: ours(pool))
    problem, rng = Problem(pool, 5), np.random.default_rng(1)
    scorers = [FocalDiversity(problem.negatives, name) for name in MEASURES]
    there, apart = Timing(0.0, 0.0), 0.0
    for size in SIZES:
        teams = all_teams(20, size)
        sample = teams[rng.choice(len(teams), asked.teams // len(SIZES), replace=False)]
        expected, spent = timed(
            lambda s=sample: [published(pool, tuple(map(int, t)), diversityMetrics) for t in s]
        )
        raw = np.stack([scorer.raw(sample) for scorer in scorers], -1)
        apart = max(apart, float(np.abs(raw - np.array(expected)).max()))
        scale = comb(20, size) / len(sample)
        there = Timing(there.wall + spent.wall * scale, there.cpu + spent.cpu * scale)
    lines = [
        "# All focal scores of the 21,679 teams of 2 to 5 out of 20", "",
        f"5,000 samples, 10 classes, measures {', '.join(MEASURES)}. {machine()}.", "",
        "| | processor s | wall s |", "|---|---|---|",
        f"| here, all teams | {here.cpu:.3f} | {here.wall:.3f} |",
        f"| published, {asked.teams} teams scaled up | {there.cpu:.0f} | {there.wall:.0f} |",
        f"| ratio | {there.cpu / here.cpu:,.0f} | {there.wall / here.wall:,.0f} |", "",
        f"Largest difference on the {asked.teams} teams: {apart:.1e}.",
    ]  # fmt: skip
    RESULTS.mkdir(parents=True, exist_ok=True)
    (RESULTS / "selection_focal_scores.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
