"""One member: data, networks, DropNet, surgery, cost.

What a notebook needs stands on this page, and on the pages of the rooms; the function `dropnet`
is on its room's, ``from pruning.dropnet import dropnet``. Importing a page loads neither torch
nor torchvision: a name is fetched when it is first asked for.
"""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "CheckReport",
    "Cost",
    "DropNet",
    "Member",
    "Recipe",
    "RequestError",
    "Rewinding",
    "Runs",
    "Split",
    "Splits",
    "Target",
    "Teaching",
    "UnitGroup",
    "build_network",
    "check",
    "count_cost",
    "find_groups",
    "full_masks",
    "importance",
    "load_splits",
    "masked",
    "predict_probabilities",
    "shrink",
    "widened",
]

if TYPE_CHECKING:
    from pruning.core.errors import RequestError
    from pruning.data.load import load_splits
    from pruning.data.splits import Split, Splits
    from pruning.dropnet.member import Member
    from pruning.dropnet.population import Runs
    from pruning.dropnet.settings import DropNet, Rewinding
    from pruning.dropnet.target import Target
    from pruning.dropnet.teaching import Teaching
    from pruning.inference.cost import Cost, count_cost
    from pruning.inference.probabilities import predict_probabilities
    from pruning.networks.architecture import build_network
    from pruning.scores.scoring import importance
    from pruning.surgery.checking import CheckReport, check
    from pruning.surgery.cutting import masked, shrink
    from pruning.surgery.find import find_groups
    from pruning.surgery.groups import UnitGroup, full_masks
    from pruning.surgery.widening import widened
    from pruning.training.recipe import Recipe
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "pruning.core.errors": ("RequestError",),
            "pruning.data.load": ("load_splits",),
            "pruning.data.splits": ("Split", "Splits"),
            "pruning.dropnet.member": ("Member",),
            "pruning.dropnet.population": ("Runs",),
            "pruning.dropnet.settings": ("DropNet", "Rewinding"),
            "pruning.dropnet.target": ("Target",),
            "pruning.dropnet.teaching": ("Teaching",),
            "pruning.inference.cost": ("Cost", "count_cost"),
            "pruning.inference.probabilities": ("predict_probabilities",),
            "pruning.networks.architecture": ("build_network",),
            "pruning.scores.scoring": ("importance",),
            "pruning.surgery.checking": ("CheckReport", "check"),
            "pruning.surgery.cutting": ("masked", "shrink"),
            "pruning.surgery.find": ("find_groups",),
            "pruning.surgery.groups": ("UnitGroup", "full_masks"),
            "pruning.surgery.widening": ("widened",),
            "pruning.training.recipe": ("Recipe",),
        },
    )
