"""From a comparison's numbers to HTML, CSV, Markdown, LaTeX and a terminal; it computes none."""

from pipelines.report.csv import csv
from pipelines.report.latex import latex
from pipelines.report.markdown import markdown
from pipelines.report.page import render
from pipelines.report.terminal import terminal

__all__ = ["csv", "latex", "markdown", "render", "terminal"]
