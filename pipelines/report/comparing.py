"""Builds and runs → comparisons that show themselves: what a notebook and the command call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path

from pipelines.build.built import Built, read_built
from pipelines.compare import of_build
from pipelines.compare.between_runs import against_the_first
from pipelines.report.comparison_report import ComparisonReport, RunsReport
from pipelines.report.several_runs import Failure
from pipelines.run.directory import RunDirectory
from pipelines.run.one_writer import HeldRunError
from pruning.core.errors import DamagedRunError, RequestError
from pruning.core.seeds import checked_seed

Run = Built | str | PathLike[str]
"""A build in memory, or the directory of one."""


def compare(
    run: Run, *, seed: int = 0, measure: bool = False, threads: int = 1
) -> ComparisonReport:
    """Compare the chosen team with the unpruned networks and with every other team.

    The first call reads the test set; a run on disk keeps the predictions.

    Parameters
    ----------
    run
        What `build` returned, or a run directory.
    seed
        Seeds the random teams and the bootstrap: the same seed, the same numbers.
    measure
        Measure time and memory, too, one process per contender.
    threads
        CPU threads of every contender that is measured.

    Raises
    ------
    RequestError
        If the run is not there, not finished or being written to, or its data are no longer
        what they were; if the seed is none.
    DamagedRunError
        If a stored file is not what was written.

    >>> from pipelines.report import compare
    >>> comparison = compare("results/mnist")  # doctest: +SKIP
    >>> comparison.table, comparison.advice.answer  # doctest: +SKIP
    >>> comparison.to_html("report.html")  # doctest: +SKIP
    """
    checked_seed(seed)
    if isinstance(run, Built):
        found = of_build.compare(run, seed=seed, measure=measure, threads=threads)
    else:
        there = RunDirectory.existing(Path(run))
        with there.writing():
            built = read_built(there)
            found = of_build.compare(built, seed=seed, measure=measure, threads=threads)
    return ComparisonReport.of(found)


def compare_runs(
    runs: Sequence[Run], *, seed: int = 0, measure: bool = False, threads: int = 1
) -> RunsReport:
    """Compare several runs, each as `compare` does, and each team with that of the first run.

    A run that cannot be compared does not keep the others from it; the report says why.

    Raises
    ------
    RequestError
        If none of the runs can be compared.
    """
    found: list[ComparisonReport] = []
    given: list[Run] = []
    failures: list[Failure] = []
    for run in runs:
        try:
            found.append(compare(run, seed=seed, measure=measure, threads=threads))
            given.append(run)
        except HeldRunError:
            raise
        except (RequestError, DamagedRunError) as error:
            failures.append(Failure(_name(run), str(error)))
    if not found:
        raise RequestError("; ".join(failure.reason for failure in failures) or "no run to compare")
    if len({one.name for one in found}) < len(found):
        found = [replace(one, name=_name(run)) for one, run in zip(found, given, strict=True)]
    return RunsReport(against_the_first(found), failures)


def _name(run: Run) -> str:
    return run.store.name if isinstance(run, Built) else str(run)
