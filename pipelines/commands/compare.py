"""``ensemble compare``: one run into its own folder, several side by side into ``--out``."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path

import click
from rich.console import Console

from pipelines.commands.console import OutputConsole
from pipelines.report.comparing import compare, compare_runs
from pipelines.report.comparison_report import ComparisonReport, RunsReport
from pipelines.report.predictions_report import PredictionsReport
from pipelines.run.choice_files import is_choice
from pipelines.run.chosen_files import ReportFiles
from pipelines.run.directory import RunDirectory
from pipelines.run.own_files import check_not_own
from pipelines.run.places import check_folder
from pruning.core.errors import RequestError

Report = ComparisonReport | RunsReport | PredictionsReport


def run_compare(
    *,
    runs: tuple[str, ...],
    out: str | None,
    measure: bool,
    threads: int | None,
    test: str | None = None,
) -> int:
    """Compare, print the table, write the files; return 1 if a run could not be compared."""
    choices = [run for run in runs if is_choice(Path(run))]
    if choices:
        from pipelines.commands.compare_choice import compared

        if len(runs) > 1 or measure or threads is not None:
            raise RequestError(
                f"{choices[0]} holds a choice from predictions: it is compared on its own, and "
                "without networks nothing can be measured"
            )
        folder = _folder_for(out, choices)
        chosen = compared(Path(choices[0]), Path(test) if test else None)
        _write(chosen, folder)
        _show(chosen, folder)
        return 0
    places = [Path(run).resolve() for run in runs]
    twice = next((run for k, run in enumerate(runs) if places[k] in places[:k]), None)
    if twice is not None:
        raise RequestError(f"{twice} is given twice; give each run once")
    if test is not None:
        raise RequestError(
            f"`test` {test!r} is for a choice from predictions, which `ensemble select FILE.npz` "
            "makes; a run has a test part of its own"
        )
    if threads is not None and not measure:
        raise RequestError("--threads belongs to --measure; give both")
    if threads is not None and threads < 1:
        raise RequestError(f"--threads {threads} must be at least 1")
    if len(runs) > 1 and out is None:
        raise RequestError(f"comparing {len(runs)} runs needs a folder for the report: --out")
    if measure:
        told = f"{', '.join(runs)}: measuring time and memory"
        Console(stderr=True).print(told, highlight=False, soft_wrap=True)
    for line in filter(None, (RunDirectory(Path(run)).unchecked for run in runs)):
        click.echo(f"ensemble: {line}", err=True)
    folder = _folder_for(out, runs)
    if len(runs) > 1:
        several = compare_runs(runs, measure=measure, threads=threads or 1)
        _write(several, folder)
        _show(several, folder)
        return 1 if several.failures else 0
    run = RunDirectory.existing(Path(runs[0]))
    with run.writing():
        report = compare(runs[0], measure=measure, threads=threads or 1)
        with run.placing() if _is(folder, run.path) else nullcontext(folder) as fresh:
            _write(report, fresh)
    _show(report, folder)
    if report.trains_control:
        print(f"\nnext: {report.trains_control}")
    return 0


def _folder_for(out: str | None, sources: Sequence[str]) -> Path:
    """Return where the report goes: beside what is compared, or where nobody else's is."""
    folder = Path(out or sources[0])
    if len(sources) == 1 and _is(folder, Path(sources[0])):
        return folder
    check_not_own(folder, "out")
    check_folder(folder, "out")
    if is_choice(folder):
        raise RequestError(f"`out` {folder} is a choice from predictions; give another place")
    return folder


def _is(folder: Path, other: Path) -> bool:
    return folder.resolve() == other.resolve()


def _write(report: Report, folder: Path) -> None:
    """Write a report's files into a folder."""
    files = ReportFiles(folder)
    report.to_csv(files.table)
    report.to_markdown(files.text)
    report.to_html(files.page)
    if not isinstance(report, RunsReport):
        report.to_latex(files.latex)


def _show(report: Report, folder: Path) -> None:
    """Print a report that is written: whoever reads it may leave."""
    files = ReportFiles(folder)
    OutputConsole().print(report)
    print(f"\n{files.table}\n{files.page}")
