"""``ensemble compare``."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ensemble.files import write_bytes_atomic
from pipelines.command_line import command_of
from pipelines.compare import compare
from pipelines.gather import gather
from pipelines.report.csv import csv
from pipelines.report.page import render
from pipelines.report.terminal import terminal
from pipelines.run import RunDirectory


def run_compare(*, runs: tuple[str, ...], out: str | None) -> None:
    """Compare, print the table, write ``comparison.csv`` and ``report.html``."""
    run = RunDirectory.existing(Path(runs[0]))
    comparison = compare(gather(run), command=command_of(run.root.config))
    folder = Path(out) if out else run.path
    folder.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(folder / run.comparison_file.name, csv(comparison).encode())
    write_bytes_atomic(folder / run.report_file.name, render(comparison).encode())
    Console().print(terminal(comparison))
    print(f"\n{folder / run.comparison_file.name}\n{folder / run.report_file.name}")
