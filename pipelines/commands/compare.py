"""``ensemble compare``: one run into its own folder, several side by side into ``--out``."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console

from pipelines.build.built import read_built
from pipelines.compare.between_runs import against_the_first
from pipelines.compare.comparison import Comparison
from pipelines.compare.story import compare
from pipelines.report.comparison_report import ComparisonReport, RunsReport
from pipelines.report.several_runs import Failure
from pipelines.run.directory import RunDirectory
from pruning.core.errors import DamagedRunError, RequestError


def run_compare(
    *, runs: tuple[str, ...], out: str | None, measure: bool, threads: int | None
) -> int:
    """Compare, print the table, write the files; return 1 if a run could not be compared."""
    if threads is not None and not measure:
        raise RequestError("--threads belongs to --measure; give both")
    if threads is not None and threads < 1:
        raise RequestError(f"--threads {threads} must be at least 1")
    stopwatch = _Stopwatch(measure, 1 if threads is None else threads)
    if len(runs) > 1:
        return _side_by_side(runs, out, stopwatch)
    folder = Path(out) if out else Path(runs[0])
    report = ComparisonReport.of(_compare(runs[0], stopwatch))
    report.to_latex(folder / "comparison.tex")
    _write(report, folder)
    return 0


def _side_by_side(runs: tuple[str, ...], out: str | None, stopwatch: _Stopwatch) -> int:
    if out is None:
        raise RequestError(f"comparing {len(runs)} runs needs a folder for the report: --out")
    report = RunsReport(*_compare_each(runs, stopwatch))
    _write(report, Path(out))
    return 1 if report.failures else 0


def _write(report: ComparisonReport | RunsReport, folder: Path) -> None:
    table, page = folder / "comparison.csv", folder / "report.html"
    report.to_csv(table)
    report.to_markdown(folder / "comparison.md")
    report.to_html(page)
    Console().print(report)
    print(f"\n{table}\n{page}")


@dataclass(frozen=True)
class _Stopwatch:
    """Whether to measure anew, and with how many threads."""

    fresh: bool
    threads: int


def _compare(path: str, stopwatch: _Stopwatch) -> Comparison:
    built = read_built(RunDirectory.existing(Path(path)))
    if stopwatch.fresh:
        console = Console(stderr=True)
        console.print(f"{path}: measuring time and memory", highlight=False, soft_wrap=True)
    return compare(built, measure=stopwatch.fresh, threads=stopwatch.threads)


def _compare_each(
    paths: tuple[str, ...], stopwatch: _Stopwatch
) -> tuple[list[Comparison], list[Failure]]:
    comparisons, failures = [], []
    for path in paths:
        try:
            comparisons.append(_compare(path, stopwatch))
        except (RequestError, DamagedRunError) as error:
            failures.append(Failure(path, str(error)))
    if not comparisons:
        raise RequestError("; ".join(failure.reason for failure in failures))
    if len({found.name for found in comparisons}) < len(comparisons):
        done = [path for path in paths if path not in {failure.name for failure in failures}]
        comparisons = [
            replace(found, name=path) for path, found in zip(done, comparisons, strict=True)
        ]
    return list(against_the_first(comparisons)), failures
