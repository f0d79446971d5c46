"""``ensemble compare``: one run into its own folder, several side by side into ``--out``."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click
from rich.console import Console

from pipelines.report.comparing import compare, compare_runs
from pipelines.report.comparison_report import ComparisonReport, RunsReport
from pipelines.report.predictions_report import PredictionsReport
from pipelines.run.choice_files import is_choice
from pipelines.run.directory import RunDirectory
from pipelines.run.own_files import check_not_own
from pipelines.run.places import check_folder
from pruning.core.errors import RequestError

Report = ComparisonReport | RunsReport | PredictionsReport

TABLE, PAGE = "comparison.csv", "report.html"


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
        if out is not None:
            check_folder(Path(out), "out")
        chosen = compared(Path(choices[0]), Path(test) if test else None)
        chosen.to_latex(Path(out or choices[0]) / "comparison.tex")
        write_report(chosen, Path(out or choices[0]))
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
    folder = Path(out or runs[0])
    for line in filter(None, (RunDirectory(Path(run)).unchecked for run in runs)):
        click.echo(f"ensemble: {line}", err=True)
    own = len(runs) == 1 and folder.resolve() == Path(runs[0]).resolve()
    if not own:
        check_not_own(folder, "out")
        check_folder(folder, "out")
    if len(runs) > 1:
        several = compare_runs(runs, measure=measure, threads=threads or 1)
        write_report(several, folder)
        return 1 if several.failures else 0
    run = RunDirectory.existing(Path(runs[0]))
    with run.writing():
        report = compare(runs[0], measure=measure, threads=threads or 1)
        with run.placing() if own else nullcontext(folder) as fresh:
            report.to_latex(fresh / "comparison.tex")
            write_forms(report, fresh)
        show_report(report, folder)
    if report.trains_control:
        print(f"\nnext: {report.trains_control}")
    return 0


def write_report(report: Report, folder: Path) -> None:
    """Write a report's table and page into a folder, and print it."""
    write_forms(report, folder)
    show_report(report, folder)


def write_forms(report: Report, folder: Path) -> None:
    """Write a report's table and page into a folder."""
    report.to_csv(folder / TABLE)
    report.to_markdown(folder / "comparison.md")
    report.to_html(folder / PAGE)


def show_report(report: Report, folder: Path) -> None:
    """Print a report, and where its table and its page are."""
    Console().print(report)
    print(f"\n{folder / TABLE}\n{folder / PAGE}")
