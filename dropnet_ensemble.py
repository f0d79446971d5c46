"""The whole library by one import: a page of names, each from the room that defines it.

>>> import dropnet_ensemble as de
>>> built = de.build(de.BuildConfig.of(m=20, s=5), splits)  # doctest: +SKIP
>>> de.compare(built)  # doctest: +SKIP

Lazy: nothing is loaded before a name is asked for.
"""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "Budget",
    "BuildConfig",
    "Built",
    "CheckReport",
    "Classifier",
    "ComparisonReport",
    "Cost",
    "DropNet",
    "DropNetEnsembleClassifier",
    "Ensemble",
    "EnsembleMember",
    "HierarchicalSelection",
    "Member",
    "Placement",
    "PoolCosts",
    "PoolPredictions",
    "Recipe",
    "RequestError",
    "Rewinding",
    "Runs",
    "Selection",
    "Splits",
    "Target",
    "Teaching",
    "build",
    "build_network",
    "check",
    "compare",
    "compare_runs",
    "count_cost",
    "dropnet",
    "find_groups",
    "full_masks",
    "handed_on",
    "importance",
    "load",
    "masked",
    "prune_data_free",
    "read_built",
    "select",
    "shrink",
    "team_diversity",
]

if TYPE_CHECKING:
    from ensemble.classifier import Classifier
    from ensemble.loader import load
    from ensemble.member import EnsembleMember
    from ensemble.model import Ensemble
    from pipelines.build.built import Built, read_built
    from pipelines.build.story import build
    from pipelines.estimator import DropNetEnsembleClassifier
    from pipelines.report.comparing import compare, compare_runs
    from pipelines.report.comparison_report import ComparisonReport
    from pipelines.run.config import BuildConfig
    from pipelines.run.resources import Placement
    from pruning.core.errors import RequestError
    from pruning.data.splits import Splits
    from pruning.datafree.network import prune_data_free
    from pruning.dropnet.algorithm import dropnet
    from pruning.dropnet.member import Member, handed_on
    from pruning.dropnet.population import Runs
    from pruning.dropnet.settings import DropNet, Rewinding
    from pruning.dropnet.target import Target
    from pruning.dropnet.teaching import Teaching
    from pruning.inference.cost import Cost, count_cost
    from pruning.networks.architecture import build_network
    from pruning.scores.scoring import importance
    from pruning.surgery.checking import CheckReport, check
    from pruning.surgery.cutting import masked, shrink
    from pruning.surgery.find import find_groups
    from pruning.surgery.groups import full_masks
    from pruning.training.recipe import Recipe
    from selection.choosing import select
    from selection.costs import Budget, PoolCosts
    from selection.measures import team_diversity
    from selection.methods.hq import HierarchicalSelection
    from selection.pool import PoolPredictions
    from selection.team import Selection
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "ensemble.classifier": ("Classifier",),
            "ensemble.loader": ("load",),
            "ensemble.member": ("EnsembleMember",),
            "ensemble.model": ("Ensemble",),
            "pipelines.build.built": ("Built", "read_built"),
            "pipelines.build.story": ("build",),
            "pipelines.estimator": ("DropNetEnsembleClassifier",),
            "pipelines.report.comparing": ("compare", "compare_runs"),
            "pipelines.report.comparison_report": ("ComparisonReport",),
            "pipelines.run.config": ("BuildConfig",),
            "pipelines.run.resources": ("Placement",),
            "pruning.core.errors": ("RequestError",),
            "pruning.data.splits": ("Splits",),
            "pruning.datafree.network": ("prune_data_free",),
            "pruning.dropnet.algorithm": ("dropnet",),
            "pruning.dropnet.member": ("Member", "handed_on"),
            "pruning.dropnet.population": ("Runs",),
            "pruning.dropnet.settings": ("DropNet", "Rewinding"),
            "pruning.dropnet.target": ("Target",),
            "pruning.dropnet.teaching": ("Teaching",),
            "pruning.inference.cost": ("Cost", "count_cost"),
            "pruning.networks.architecture": ("build_network",),
            "pruning.scores.scoring": ("importance",),
            "pruning.surgery.checking": ("CheckReport", "check"),
            "pruning.surgery.cutting": ("masked", "shrink"),
            "pruning.surgery.find": ("find_groups",),
            "pruning.surgery.groups": ("full_masks",),
            "pruning.training.recipe": ("Recipe",),
            "selection.choosing": ("select",),
            "selection.costs": ("Budget", "PoolCosts"),
            "selection.measures": ("team_diversity",),
            "selection.methods.hq": ("HierarchicalSelection",),
            "selection.pool": ("PoolPredictions",),
            "selection.team": ("Selection",),
        },
    )
