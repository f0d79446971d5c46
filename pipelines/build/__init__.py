"""Data in, artefact out: the story, where it is computed, what one sees of it."""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "Built",
    "Placement",
    "build",
    "read_built",
]

if TYPE_CHECKING:
    from pipelines.build.built import Built, read_built
    from pipelines.build.story import build
    from pipelines.run.resources import Placement
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pipelines.build.built": ("Built", "read_built"),
            "pipelines.run.resources": ("Placement",),
            "pipelines.build.story": ("build",),
        },
    )
