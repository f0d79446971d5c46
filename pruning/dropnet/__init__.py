"""DropNet (Tan & Motani 2020): train, score, drop, rewind, again and again."""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "DropNet",
    "Member",
    "Rewinding",
    "Runs",
    "Target",
    "Teaching",
    "all_metrics",
    "dropnet",
    "handed_on",
]

if TYPE_CHECKING:
    from pruning.dropnet.algorithm import dropnet
    from pruning.dropnet.dropping import all_metrics
    from pruning.dropnet.member import Member, handed_on
    from pruning.dropnet.population import Runs
    from pruning.dropnet.settings import DropNet, Rewinding
    from pruning.dropnet.target import Target
    from pruning.dropnet.teaching import Teaching
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pruning.dropnet.algorithm": ("dropnet",),
            "pruning.dropnet.dropping": ("all_metrics",),
            "pruning.dropnet.member": ("Member", "handed_on"),
            "pruning.dropnet.population": ("Runs",),
            "pruning.dropnet.settings": ("DropNet", "Rewinding"),
            "pruning.dropnet.target": ("Target",),
            "pruning.dropnet.teaching": ("Teaching",),
        },
    )
