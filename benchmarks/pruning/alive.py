"""How many runs still answer, ours and those behind a published mean, point by point.

    python benchmarks/pruning/alive.py oracle mlp-20-20 maximum

Where the most active units go first, a run is at 90 % or, its layer emptied, at chance: a mean of
15 is a count, and no normal distribution describes its runs. A published mean of 15 counts as
the nearest number of runs that answer as well as the best of ours, 90 % where none of ours
answers; the counts are compared by Fisher's exact test. Reads what is committed, writes
results/benchmarks/pruning-alive.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from scipy.stats import fisher_exact

from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.published import published_curve

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results" / "benchmarks" / "pruning-alive.md"
THEIRS = 15
CHANCE, LIVING = 0.1135, 0.9
"""One answer to all of MNIST's test digits; a living run, where none of ours is."""


def main() -> None:
    """Count, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("claim")
    parser.add_argument("part")
    parser.add_argument("curve")
    asked = parser.parse_args()
    figure = next(f for f in CLAIMS[asked.claim].figures if f.name == asked.part)
    path = ROOT / "results" / "reproduction" / asked.claim / asked.part / f"{asked.curve}.jsonl"
    _, *rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ours = np.array([row["accuracy"] for row in rows])
    published = published_curve(figure.published, asked.curve)
    lines = [
        f"`python benchmarks/pruning/alive.py {asked.claim} {asked.part} {asked.curve}`", "",
        f"{figure.title}, *{asked.curve}* ({figure.published}): runs that do not give one answer "
        "to all", "",
        f"| units left | ours, of {len(ours)} | their accuracy, at most | published mean | "
        f"that is, of {THEIRS} | Fisher p |", "|--:|--:|--:|--:|--:|--:|",
    ]  # fmt: skip
    for k, (share, mean) in enumerate(zip(published.remaining, published.accuracy, strict=True)):
        living = ours[:, k][ours[:, k] > CHANCE + 0.001]
        best = max(float(living.max(initial=0)), 0.5) if len(living) else LIVING
        theirs = min(THEIRS, max(0, round((mean - CHANCE) / (best - CHANCE) * THEIRS)))
        if len(living) == len(ours) and theirs == THEIRS:
            continue
        table = [[len(living), len(ours) - len(living)], [theirs, THEIRS - theirs]]
        p = fisher_exact(table).pvalue
        lines.append(
            f"| {100 * share:.1f} % | {len(living)} | {100 * best:.0f} % | {100 * mean:.1f} % | "
            f"{theirs} | {p:.2f} |"
        )
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
