"""What Algorithm 1 is run with, checked before anything is trained; torch is not needed for it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal, get_args

from pruning.core.errors import RequestError
from pruning.core.option_checks import check_options
from pruning.core.options import RegistryNames, group, option
from pruning.dropnet.target import Target
from pruning.dropnet.teaching import Teaching
from pruning.scores.metric_names import SUFFIX
from pruning.training.recipe import RECIPES, Recipe

ORACLE = "oracle"
METRICS = (ORACLE,)
"""Metrics that are no scores: they rank nothing, they choose."""

ScoreMode = Literal["text", "published"]
Coupling = Literal["joint", "independent"]
Rewind = Literal["initial", "random", "late", "trained"]
REWINDS: tuple[str, ...] = get_args(Rewind)
LATE_PART = 4
"""Weights are late after the epochs that the recipe has, divided by this."""


@dataclass(frozen=True)
class Rewinding:
    """How far back a round goes.

    ``"initial"`` takes θ0's weights (Tan & Motani 2020), ``"random"`` a new draw at full width
    with the full fan-in, anew in each round (their control), ``"late"`` what θ0 has become after
    some epochs of training (Frankle et al. 2020); after all of the recipe's epochs a round goes
    on from the trained weights of the unpruned network. With ``"trained"`` the survivors keep
    the weights of the round before, and only the learning rate goes back (Renda et al. 2020).
    Without rescaling (`pruning.dropnet.rescaling`), as published, deep networks cut to a
    twentieth hardly ever leave chance.
    """

    to: Rewind = option(
        "trained",
        "What the survivors of a round start from: their first weights, a new draw, their "
        "weights after some epochs, or their trained weights.",
        flag="rewind", kind="rewind",
    )  # fmt: skip
    late_epochs: int | None = option(
        None,
        "Epochs after which late rewinding takes weights, or to which the learning rate goes back.",
        least=1, unset="a quarter of the recipe's",
    )  # fmt: skip
    span: Literal["whole", "rest"] | None = option(
        None,
        "Whether a round trains for the recipe's whole schedule, or for the rest of it from the "
        "late epochs on.",
        flag="rewind_schedule", unset="rest for trained, else whole", before=None,
    )  # fmt: skip
    rescale: bool = option(
        True,
        "Whether weights that go back grow so that signals stay as strong as at full width.",
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.late_epochs is not None and not self.has_late_epochs:
            raise RequestError(
                f"`late_epochs` {self.late_epochs} belongs to late rewinding, and rounds go back "
                f"to {self.to!r}; leave it out, or ask for `to` 'late' or 'trained'"
            )
        if self.span == "rest" and not self.has_late_epochs:
            raise RequestError(
                f"`span` 'rest' needs weights that have seen the beginning, and rounds go "
                f"back to {self.to!r}; leave it out, or ask for `to` 'late' or 'trained'"
            )

    @property
    def has_late_epochs(self) -> bool:
        """Whether something goes back to an epoch after the first: weights, or the rate."""
        return self.to in ("late", "trained")

    def late_part_of(self, epochs: int) -> int | None:
        """Return how many of a recipe's epochs are late; None where none are wanted.

        Raises
        ------
        RequestError
            If the recipe has too few for that.
        """
        if not self.has_late_epochs:
            return None
        most = max(1, epochs - 1) if self.goes_on else epochs
        late = self.late_epochs or min(most, max(1, epochs // LATE_PART))
        if late > most:
            raise RequestError(
                f"`late_epochs` {late} leave nothing to train of the recipe's {epochs} epochs; "
                f"allowed 1 to {most}"
            )
        return 0 if self.goes_on and epochs == 1 else late

    @property
    def goes_on(self) -> bool:
        """Whether a round goes on with the schedule where its weights, or the rate, are."""
        return (self.span or ("rest" if self.to == "trained" else "whole")) == "rest"


@dataclass(frozen=True)
class DropNet:
    """What Algorithm 1 is run with.

    The default `keep` is reached after three rounds of the default p, with about half the
    units: on the digits that is as far as a team of five keeps up with the best unpruned
    network. `score_mode` differs in the sign of values averaged over positions, and in APoZ by
    image; for `coupling` see `pruning.dropnet.coupling`, for the oracle
    `pruning.dropnet.oracle`, for `init` `pruning.networks.weights`. With a target, κ and `keep`
    stop a run only where they are not the default.
    """

    metric: str = option(
        "minimum",
        "What is dropped first: a score, ranked over all layers, or within layers as "
        "NAME_layer; oracle, the units that the training loss misses least; or your own "
        "module:Class.",
        names=RegistryNames("pruning.scores.score:SCORES", METRICS, (SUFFIX,)),
    )
    score_mode: ScoreMode = option(
        "text",
        "Whether scores are those of the paper's text or of its published code.",
        formerly={"paper": "published"},
    )
    fraction: float = option(
        0.2, "p, the share of the remaining units dropped per round.", above=0, below=1
    )
    kappa: float = option(
        0.97,
        "κ: a run stops when its validation accuracy is at most κ times that of its round 0.",
        least=0, most=1,
    )  # fmt: skip
    keep: float = option(
        0.55, "A run stops when at most this share of its units remains.", least=0, most=1
    )
    rounds: int | None = option(
        None, "Most pruning rounds; 1 is one-shot.", least=0, unset="as many as κ and keep allow"
    )
    round_to: int = option(
        1,
        "Bring each layer's count of units down to a multiple of this; a round may then drop "
        "more than p.",
        least=1,
    )
    spare_last: bool = option(
        True,
        "Whether a layer keeps its last unit; in the published code it does not, and a run ends "
        "whose layer is empty. The oracle never takes it.",
        flag=None, before=True,
    )  # fmt: skip
    coupling: Coupling = option(
        "joint",
        "Whether channels that are summed go together, or each layer has a mask of its own, as "
        "in the published code.",
        formerly={"paper": "independent"},
    )
    init: str | None = option(
        None,
        "Weights that every run starts from: a .safetensors file, or torchvision:NAME[:WEIGHTS]. "
        "The runs then differ in the order of their samples alone.",
        section="Networks and their training", unset="a draw per run",
    )  # fmt: skip
    target: Target = group(Target)
    teaching: Teaching = group(Teaching)
    rewinding: Rewinding = group(Rewinding)
    recipe: Recipe = group(
        Recipe,
        section="Networks and their training", presets=RECIPES, flag="recipe",
        help="How networks train. For all as published, take with the recipe paper also rewind "
        "initial, no rescale and score mode published.",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_options(self)

    @property
    def starting_recipe(self) -> Recipe:
        """The recipe, for fine-tuning where rounds start from what became of given weights."""
        tuned = self.init is not None and self.rewinding.to != "random"
        return dataclasses.replace(self.recipe, fine_tuning=True) if tuned else self.recipe

    @property
    def least_held(self) -> float:
        """The κ that stops a run."""
        return 0.0 if self.target.given and self.kappa == DropNet.kappa else self.kappa

    @property
    def least_kept(self) -> float:
        """The share of units that stops a run."""
        return 0.0 if self.target.given and self.keep == DropNet.keep else self.keep
