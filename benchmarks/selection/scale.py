"""The whole selection by HQ: time and memory as M, S and N grow, exact and by beam.

    python benchmarks/selection/scale.py [--again]  # each point in its own process
    python benchmarks/selection/scale.py --point 20 5 5000

Writes selection_scale.csv, .md and .png.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
from collections.abc import Sequence

from common import MEASURES, RESULTS, machine, peak_gigabytes, synthetic, timed

from selection.methods.hq import HierarchicalSelection

NAMED = {(20, 5, 5000): "< 1 s", (50, 5, 5000): "< 15 s", (100, 10, 5000): "< 60 s, < 2 GB"}
POINTS = (
    *((m, 5, 5000) for m in (20, 50)),
    (100, 10, 5000),
    *((m, 5, 5000) for m in (10, 30, 40)),
    *((20, s, 5000) for s in (3, 4, 6, 8)),
    *((20, 5, n) for n in (1000, 2500, 10000, 20000)),
)
TABLE = RESULTS / "selection_scale.csv"
ONE = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # selection has threads of its own
FIELDS = ("M", "S", "N", "wall_s", "cpu_s", "peak_gb", "teams_made", "beam")


def point(members: int, size: int, samples: int) -> list[str]:
    """Choose once; return the fields of a row."""
    pool = synthetic(members, samples)
    HierarchicalSelection(size=2).fit_pool(synthetic(4, 50))
    hq = HierarchicalSelection(size=size, measures=MEASURES)
    _, spent = timed(lambda: hq.fit_pool(pool))
    made = int(hq.levels_["made"].sum())
    beam = "yes" if hq.levels_["trimmed"].any() else "no"
    return [*map(str, (members, size, samples)), f"{spent.wall:.3f}", f"{spent.cpu:.3f}",
            f"{peak_gigabytes():.2f}", str(made), beam]  # fmt: skip


def plot(rows: Sequence[dict[str, str]]) -> None:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(10, 5.5), sharey="row")
    cuts = {"M": {"S": "5", "N": "5000"}, "S": {"M": "20", "N": "5000"}, "N": {"M": "20", "S": "5"}}
    for column, (name, held) in enumerate(cuts.items()):
        along = sorted(
            (r for r in rows if all(r[k] == v for k, v in held.items())), key=lambda r: int(r[name])
        )
        x = [int(r[name]) for r in along]
        for row, (field, label) in enumerate((("cpu_s", "processor s"), ("peak_gb", "peak GB"))):
            axes[row, column].plot(x, [float(r[field]) for r in along], "o-")
            axes[row, column].set_ylim(bottom=0)
            axes[row, 0].set_ylabel(label)
        axes[1, column].set_xlabel(f"{name}  ({', '.join(f'{k} = {v}' for k, v in held.items())})")
    figure.suptitle("HQ, exact: the whole selection")
    figure.tight_layout()
    figure.savefig(RESULTS / "selection_scale.png", dpi=110)


def report(rows: list[dict[str, str]]) -> None:
    """Write the rows as CSV, as a table and as a plot."""
    rows.sort(key=lambda r: (int(r["M"]), int(r["S"]), int(r["N"])))
    RESULTS.mkdir(parents=True, exist_ok=True)
    with TABLE.open("w", newline="") as file:
        writer = csv.DictWriter(file, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    lines = ["# The whole selection by HQ (four measures, β = 0.1)", "", f"{machine()}.", "",
             "| M | S | N | processor s | wall s | peak GB | teams made | beam | asked |",
             "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for r in rows:
        asked_for = NAMED.get((int(r["M"]), int(r["S"]), int(r["N"])), "")
        lines.append("| " + " | ".join([r["M"], r["S"], r["N"], r["cpu_s"], r["wall_s"],
                     r["peak_gb"], r["teams_made"], r["beam"], asked_for]) + " |")  # fmt: skip
    TABLE.with_suffix(".md").write_text("\n".join(lines) + "\n")
    plot(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--point", type=int, nargs=3, help="M S N: measure one, print it")
    parser.add_argument("--again", action="store_true", help="measure what is known anew")
    asked = parser.parse_args()
    if asked.point:
        print(",".join(point(*asked.point)))
        return
    rows: list[dict[str, str]] = []
    if TABLE.exists() and not asked.again:
        with TABLE.open(newline="") as file:
            rows = list(csv.DictReader(file))
    known = {(int(r["M"]), int(r["S"]), int(r["N"])) for r in rows}
    for at in POINTS:
        if at not in known:
            command = [sys.executable, __file__, "--point", *map(str, at)]
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, env={**os.environ, **ONE}
            )
            rows.append(dict(zip(FIELDS, done.stdout.strip().split(","), strict=True)))
            print(rows[-1], flush=True)
            report(rows)


if __name__ == "__main__":
    main()
