"""Mask → physically smaller network.

`find_groups` runs the network once on labelled channels (`pruning.surgery.trace`) and says
which of them live and die together. What follows, cutting parameters and rebuilding a
stored network without tracing, is plain tensor work: a kept unit keeps exactly the numbers
it had.
"""

from pruning.surgery.cutting import masked, remaining_groups, shrink
from pruning.surgery.find import Analysis, analyse, find_groups
from pruning.surgery.groups import (
    Masks,
    Refusal,
    Side,
    Slice,
    Tap,
    UnitGroup,
    full_masks,
)
from pruning.surgery.layer_kinds import PRODUCERS, module_sizes, resize

__all__ = [
    "PRODUCERS",
    "Analysis",
    "Masks",
    "Refusal",
    "Side",
    "Slice",
    "Tap",
    "UnitGroup",
    "analyse",
    "find_groups",
    "full_masks",
    "masked",
    "module_sizes",
    "remaining_groups",
    "resize",
    "shrink",
]
