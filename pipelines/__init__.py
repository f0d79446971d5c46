"""The story: configuration, the run directory, build, compare, report, commands.

What a notebook needs stands on this page; the functions `build` and `compare` are on their
rooms' pages, ``from pipelines.build import build`` and ``from pipelines.report import compare``.
"""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "BuildConfig",
    "Built",
    "Comparison",
    "ComparisonReport",
    "DataConfig",
    "Placement",
    "RunDirectory",
    "RunsReport",
    "SelectionConfig",
    "read_built",
]

if TYPE_CHECKING:
    from pipelines.build.built import Built, read_built
    from pipelines.compare.comparison import Comparison
    from pipelines.report.comparison_report import ComparisonReport, RunsReport
    from pipelines.run.config import BuildConfig, DataConfig, SelectionConfig
    from pipelines.run.directory import RunDirectory
    from pipelines.run.resources import Placement
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pipelines.build.built": ("Built", "read_built"),
            "pipelines.run.resources": ("Placement",),
            "pipelines.compare.comparison": ("Comparison",),
            "pipelines.report.comparison_report": ("ComparisonReport", "RunsReport"),
            "pipelines.run.config": ("BuildConfig", "DataConfig", "SelectionConfig"),
            "pipelines.run.directory": ("RunDirectory",),
        },
    )
