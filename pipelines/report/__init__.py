"""From a comparison's numbers to HTML, CSV, Markdown, LaTeX and a terminal; it computes none."""

from pipelines.report.csv import csv
from pipelines.report.latex import latex
from pipelines.report.markdown import markdown
from pipelines.report.page import render
from pipelines.report.several_runs import (
    Failure,
    csv_many,
    markdown_many,
    render_many,
    terminal_many,
)
from pipelines.report.terminal import terminal

__all__ = [
    "Failure",
    "csv",
    "csv_many",
    "latex",
    "markdown",
    "markdown_many",
    "render",
    "render_many",
    "terminal",
    "terminal_many",
]
