"""``ensemble compare``: one run into its own folder, several side by side into ``--out``."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from ensemble.files import write_bytes_atomic
from pipelines.command_line import command_of
from pipelines.compare import Comparison, compare
from pipelines.gather import gather_all
from pipelines.report import (
    Failure,
    csv,
    csv_many,
    latex,
    markdown,
    markdown_many,
    render,
    render_many,
    terminal,
    terminal_many,
)
from pipelines.run import DamagedRunError, RunDirectory
from pruning.errors import RequestError


def run_compare(*, runs: tuple[str, ...], out: str | None) -> int:
    """Compare, print the table, write the files; return 1 if a run could not be compared."""
    folder = Path(out) if out else Path(runs[0])
    if len(runs) == 1:
        comparison = _compare(runs[0])
        _write(folder, {
            "comparison.csv": csv(comparison), "comparison.md": markdown(comparison),
            "comparison.tex": latex(comparison), "report.html": render(comparison),
        })  # fmt: skip
        Console().print(terminal(comparison))
        failures: list[Failure] = []
    else:
        if out is None:
            raise RequestError(f"comparing {len(runs)} runs needs a folder for the report: --out")
        comparisons, failures = _compare_each(runs)
        _write(folder, {
            "comparison.csv": csv_many(comparisons),
            "report.html": render_many(comparisons, failures),
            "comparison.md": markdown_many(comparisons, failures),
        })  # fmt: skip
        Console().print(terminal_many(comparisons, failures))
    print(f"\n{folder / 'comparison.csv'}\n{folder / 'report.html'}")
    return 1 if failures else 0


def _compare(path: str) -> Comparison:
    run = RunDirectory.existing(Path(path))
    evidence, extras = gather_all(run)
    command = command_of(run.root.config)
    return compare(
        evidence, extras=extras.contenders, notes=extras.notes,
        command=f"{command} --control" if run.control_file.is_file() else command,
    )  # fmt: skip


def _compare_each(paths: tuple[str, ...]) -> tuple[list[Comparison], list[Failure]]:
    comparisons, failures = [], []
    for path in paths:
        try:
            comparisons.append(_compare(path))
        except (RequestError, DamagedRunError) as error:
            failures.append(Failure(path, str(error)))
    if not comparisons:
        raise RequestError("; ".join(failure.reason for failure in failures))
    return comparisons, failures


def _write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_bytes_atomic(folder / name, text.encode())
