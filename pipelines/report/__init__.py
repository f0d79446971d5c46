"""From a comparison's numbers to HTML, CSV, Markdown, LaTeX and a terminal; it computes none."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = ["ComparisonReport", "RunsReport"]

if TYPE_CHECKING:
    from pipelines.report.comparison_report import ComparisonReport, RunsReport
else:
    __getattr__, __dir__ = lazy_page(
        __name__, {"pipelines.report.comparison_report": ("ComparisonReport", "RunsReport")}
    )
