"""Mask → physically smaller network.

`find_groups` runs the network once on labelled channels (`pruning.surgery.trace`) and says
which of them live and die together. What follows, cutting parameters and rebuilding a
stored network without tracing, is plain tensor work: a kept unit keeps exactly the numbers
it had.
"""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "Analysis",
    "CheckReport",
    "Coupled",
    "Masks",
    "Refusal",
    "UnitGroup",
    "analyse",
    "check",
    "factor_for_flops",
    "find_groups",
    "full_masks",
    "masked",
    "module_sizes",
    "remaining_groups",
    "resize",
    "shrink",
    "widened",
]

if TYPE_CHECKING:
    from pruning.surgery.checking import CheckReport, Coupled, check
    from pruning.surgery.cutting import masked, remaining_groups, shrink
    from pruning.surgery.find import Analysis, analyse, find_groups
    from pruning.surgery.groups import Masks, Refusal, UnitGroup, full_masks
    from pruning.surgery.layer_kinds import module_sizes, resize
    from pruning.surgery.widening import factor_for_flops, widened
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pruning.surgery.checking": ("CheckReport", "Coupled", "check"),
            "pruning.surgery.cutting": ("masked", "remaining_groups", "shrink"),
            "pruning.surgery.find": ("Analysis", "analyse", "find_groups"),
            "pruning.surgery.groups": ("Masks", "Refusal", "UnitGroup", "full_masks"),
            "pruning.surgery.layer_kinds": ("module_sizes", "resize"),
            "pruning.surgery.widening": ("factor_for_flops", "widened"),
        },
    )
