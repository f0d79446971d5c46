"""The main job over several seeds: is the selected pruned team as good, at what cost?

    python benchmarks/build/seeds.py --seeds 10 --out results/evidence/digits.md
    python benchmarks/build/seeds.py --seeds 1 --data mnist --data-dir ../shared/data \
        --out results/evidence/mnist.md

Every seed is one `ensemble build` and one `ensemble compare`; every seed is printed. The
seeds are seeds of the split too, so the test sets overlap: the interval of the mean is that
of the seeds, not of ten data sets.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.build.story import build
from pipelines.compare.comparison import Comparison
from pipelines.compare.interval import Interval
from pipelines.compare.mean_intervals import mean_interval
from pipelines.compare.of_build import compare
from pipelines.run.command_line import command_of
from pipelines.run.config import BuildConfig, DataConfig, SelectionConfig
from pipelines.run.resources import Placement

COLUMNS = ("single_best_unpruned", "all_unpruned", "all_pruned", "selected")
AGAINST = COLUMNS[:2]


@dataclass(frozen=True)
class Row:
    """One seed: accuracies by contender, the team's share of the FLOPs, seconds by stage.

    `gaps` holds the selected team's accuracy less a contender's, with its interval over the
    test samples.
    """

    seed: int
    accuracy: dict[str, float]
    flops_share: float
    gaps: dict[str, Interval]
    build_seconds: float
    compare_seconds: float


def main() -> None:
    """Build and compare for every seed, print a line each, write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--m", type=int, default=20)
    parser.add_argument("--data", default="digits")
    parser.add_argument("--data-dir")
    parser.add_argument("--arch", default="mlp-a")
    parser.add_argument("--method", default=SelectionConfig.method)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    configs = [
        BuildConfig(
            m=options.m, archs=(options.arch,), seed=seed,
            data=DataConfig(options.data, options.data_dir),
            selection=SelectionConfig(method=options.method),
        )
        for seed in range(options.first, options.first + options.seeds)
    ]  # fmt: skip
    rows = [one_seed(config, options.jobs) for config in configs]
    text = report(command_of(configs[0]), rows)
    print(text)
    if options.out:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")


def one_seed(config: BuildConfig, jobs: int) -> Row:
    """Return what one seed came to."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.monotonic()
        built = build(config, out=Path(folder) / "run", placement=Placement(jobs))
        trained = time.monotonic()
        comparison = compare(built)
        row = Row(
            config.seed,
            {name: comparison.row(name).accuracy.value for name in COLUMNS},
            comparison.row("selected").ratios.flops,
            _gaps(comparison),
            trained - started,
            time.monotonic() - trained,
        )
    print(f"seed {row.seed}: {row}", flush=True)
    return row


def _gaps(comparison: Comparison) -> dict[str, Interval]:
    tests = {name: comparison.row("selected").versus(name) for name in AGAINST}
    return {name: test.difference for name, test in tests.items() if test}


def report(command: str, rows: list[Row]) -> str:
    """Return the table of all seeds and the mean differences, as Markdown."""
    lines = [
        f"`{command}` and the seeds that follow\n",
        "| seed | best single unpruned | all unpruned | all pruned | selected | "
        "FLOPs, % of all unpruned | build, s | compare, s |",
        "|---" * 8 + "|",
    ]
    for row in rows:
        cells = [f"{100 * row.accuracy[name]:.2f}" for name in COLUMNS]
        cells += [f"{100 * row.flops_share:.2f}"]
        cells += [f"{row.build_seconds:.1f}", f"{row.compare_seconds:.1f}"]
        lines.append(f"| {row.seed} | {' | '.join(cells)} |")
    means = [statistics.mean(row.accuracy[name] for row in rows) for name in COLUMNS]
    share = statistics.mean(row.flops_share for row in rows)
    lines.append(
        "| mean | " + " | ".join(f"{100 * mean:.2f}" for mean in means)
        + f" | {100 * share:.2f} | {statistics.mean(r.build_seconds for r in rows):.1f} | "
        f"{statistics.mean(r.compare_seconds for r in rows):.1f} |\n"
    )  # fmt: skip
    for name in AGAINST:
        gaps = [100 * (row.accuracy["selected"] - row.accuracy[name]) for row in rows]
        found = _interval(gaps) if len(rows) > 1 else _of_samples(rows[0].gaps[name])
        lines.append(f"selected − {name}: {found}")
    return "\n".join(lines) + "\n"


def _interval(values: list[float]) -> str:
    found = mean_interval(np.array(values))
    if len(values) == 1:
        return f"{found.value:+.2f} points"
    ends = f"{found.low:+.2f} to {found.high:+.2f}"
    return f"{found.value:+.2f} points (95 % interval over seeds {ends})"


def _of_samples(gap: Interval) -> str:
    value, low, high = (100 * part for part in (gap.value, gap.low, gap.high))
    return f"{value:+.2f} points (95 % interval over test samples {low:+.2f} to {high:+.2f})"


if __name__ == "__main__":
    main()
