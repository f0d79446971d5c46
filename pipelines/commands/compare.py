"""``ensemble compare``: one run into its own folder, several side by side into ``--out``."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from pipelines.report.comparing import compare, compare_runs
from pipelines.report.comparison_report import ComparisonReport, RunsReport
from pruning.core.errors import RequestError


def run_compare(
    *, runs: tuple[str, ...], out: str | None, measure: bool, threads: int | None
) -> int:
    """Compare, print the table, write the files; return 1 if a run could not be compared."""
    if threads is not None and not measure:
        raise RequestError("--threads belongs to --measure; give both")
    if threads is not None and threads < 1:
        raise RequestError(f"--threads {threads} must be at least 1")
    if len(runs) > 1 and out is None:
        raise RequestError(f"comparing {len(runs)} runs needs a folder for the report: --out")
    if measure:
        told = f"{', '.join(runs)}: measuring time and memory"
        Console(stderr=True).print(told, highlight=False, soft_wrap=True)
    folder = Path(out or runs[0])
    if len(runs) > 1:
        several = compare_runs(runs, measure=measure, threads=threads or 1)
        _write(several, folder)
        return 1 if several.failures else 0
    report = compare(runs[0], measure=measure, threads=threads or 1)
    report.to_latex(folder / "comparison.tex")
    _write(report, folder)
    return 0


def _write(report: ComparisonReport | RunsReport, folder: Path) -> None:
    table, page = folder / "comparison.csv", folder / "report.html"
    report.to_csv(table)
    report.to_markdown(folder / "comparison.md")
    report.to_html(page)
    Console().print(report)
    print(f"\n{table}\n{page}")
