"""A comparison that shows itself, in a notebook and in a terminal, and writes its forms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from os import PathLike
from pathlib import Path

from rich.console import RenderableType

from ensemble.storage.sealed import write_bytes_atomic
from pipelines.compare.comparison import Comparison
from pipelines.report.csv import csv
from pipelines.report.fragment import run_fragment, runs_fragment
from pipelines.report.latex import latex
from pipelines.report.markdown import markdown
from pipelines.report.number_format import percent, ratio
from pipelines.report.page import render
from pipelines.report.several_runs import Failure, answers, csv_many, markdown_many, terminal_many
from pipelines.report.several_runs_page import render_many
from pipelines.report.terminal import terminal

Target = str | PathLike[str] | None
"""The file that a form is written to; None for none."""


@dataclass(frozen=True, eq=False, repr=False)
class ComparisonReport(Comparison):
    """One run's comparison, with its numbers as attributes and its forms as methods.

    A notebook shows it as the answer, the table of contenders and three figures; ``rich``
    prints it as ``ensemble compare`` does. Each ``to_…`` method returns its text and, given
    a path, writes it too, whole or not at all.
    """

    @classmethod
    def of(cls, comparison: Comparison) -> ComparisonReport:
        """Return the report of a comparison."""
        return cls(**{f.name: getattr(comparison, f.name) for f in fields(Comparison)})

    def to_csv(self, path: Target = None) -> str:
        """Return the table of contenders as CSV, its numbers not rounded."""
        return written(csv(self), path)

    def to_html(self, path: Target = None) -> str:
        """Return the whole report as one HTML page that needs no other file and no network."""
        return written(render(self), path)

    def to_markdown(self, path: Target = None) -> str:
        """Return the verdict and the table of contenders in GitHub's Markdown."""
        return written(markdown(self), path)

    def to_latex(self, path: Target = None) -> str:
        """Return the table of contenders for the LaTeX package ``booktabs``."""
        return written(latex(self), path)

    def _repr_html_(self) -> str:
        return run_fragment(self)

    def __rich__(self) -> RenderableType:
        return terminal(self)

    def __repr__(self) -> str:
        selected, everyone = self.selected, self.all_unpruned
        return (
            f"<Comparison of {self.name!r}: {self.advice.answer}; selected {selected.members}: "
            f"{percent(selected.accuracy.value)} on test at {ratio(selected.ratios.flops)} of the "
            f"FLOPs of all {everyone.members} unpruned ({percent(everyone.accuracy.value)})>"
        )


@dataclass(frozen=True, eq=False, repr=False)
class RunsReport:
    """Several runs side by side, as `ComparisonReport` is of one.

    Attributes
    ----------
    comparisons
        At least one, tested against the first (`pipelines.compare.between_runs`).
    failures
        Runs that were asked for and could not be compared.
    """

    comparisons: Sequence[Comparison]
    failures: Sequence[Failure] = ()

    def __post_init__(self) -> None:
        if not self.comparisons:
            raise ValueError("no run to report; at least one must have been compared")

    def __iter__(self) -> Iterator[Comparison]:
        return iter(self.comparisons)

    def __len__(self) -> int:
        return len(self.comparisons)

    def __getitem__(self, place: int) -> ComparisonReport:
        return ComparisonReport.of(self.comparisons[place])

    def to_csv(self, path: Target = None) -> str:
        """Return the runs' tables below each other as CSV, the run's name first."""
        return written(csv_many(self.comparisons), path)

    def to_html(self, path: Target = None) -> str:
        """Return one HTML page for all runs that needs no other file and no network."""
        return written(render_many(self.comparisons, self.failures), path)

    def to_markdown(self, path: Target = None) -> str:
        """Return the summary and the tables in GitHub's Markdown."""
        return written(markdown_many(self.comparisons, self.failures), path)

    def _repr_html_(self) -> str:
        return runs_fragment(self.comparisons)

    def __rich__(self) -> RenderableType:
        return terminal_many(self.comparisons, self.failures)

    def __repr__(self) -> str:
        return f"<{len(self)} comparisons. {answers(self.comparisons)}>"


def written(text: str, path: Target) -> str:
    """Return a text, and write it where a path is given, whole or not at all."""
    if path is not None:
        file = Path(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(file, text.encode())
    return text
