"""Numbers become tables, pictures and pages: HTML, CSV, Markdown, LaTeX, terminal, notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = ["ComparisonReport", "RunsReport", "compare", "compare_runs"]

if TYPE_CHECKING:
    from pipelines.report.comparing import compare, compare_runs
    from pipelines.report.comparison_report import ComparisonReport, RunsReport
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pipelines.report.comparing": ("compare", "compare_runs"),
            "pipelines.report.comparison_report": ("ComparisonReport", "RunsReport"),
        },
    )
