"""The run directory and what is in it: configuration, plan, members, predictions."""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "BuildConfig",
    "Control",
    "DataConfig",
    "Memory",
    "ProductFiles",
    "ResolvedConfig",
    "RoundRecord",
    "RunDirectory",
    "RunHistory",
    "SelectionConfig",
    "Store",
]

if TYPE_CHECKING:
    from pipelines.run.config import BuildConfig, DataConfig, SelectionConfig
    from pipelines.run.control_files import Control
    from pipelines.run.directory import RunDirectory
    from pipelines.run.records import RoundRecord, RunHistory
    from pipelines.run.resolved import ResolvedConfig
    from pipelines.run.store import Memory, ProductFiles, Store
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pipelines.run.config": ("BuildConfig", "DataConfig", "SelectionConfig"),
            "pipelines.run.control_files": ("Control",),
            "pipelines.run.directory": ("RunDirectory",),
            "pipelines.run.records": ("RoundRecord", "RunHistory"),
            "pipelines.run.resolved": ("ResolvedConfig",),
            "pipelines.run.store": ("Memory", "ProductFiles", "Store"),
        },
    )
