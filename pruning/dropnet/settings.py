"""What Algorithm 1 is run with, checked before anything is trained; torch is not needed for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, get_args

from pruning.core.errors import RequestError, unknown_name
from pruning.scores.metric_names import split_metric
from pruning.training.recipe import Recipe

ORACLE = "oracle"
METRICS = (ORACLE,)
"""Metrics that are no scores: they rank nothing, they choose."""

ScoreMode = Literal["text", "paper"]
Coupling = Literal["joint", "paper"]
Rewind = Literal["initial", "random", "late"]
REWINDS: tuple[str, ...] = get_args(Rewind)


@dataclass(frozen=True)
class Rewinding:
    """How far back a round goes.

    Attributes
    ----------
    to
        ``"initial"``: θ0's weights (Tan & Motani 2020). ``"random"``: a new draw at full
        width with the full fan-in, anew each round (their control). ``"late"``: what θ0 has
        become after `late_epochs` of training (Frankle et al. 2020).
    late_epochs
        Epochs, at least 1; None for a quarter of the recipe's. At the recipe's number of
        epochs a round goes on from the trained weights of the unpruned network.
    rescale
        Whether the survivors' weights grow so that signals stay as strong as at full width
        (`pruning.dropnet.rescaling`). Without it, as published, deep networks cut to a twentieth
        hardly ever leave chance.
    """

    to: Rewind = "late"
    late_epochs: int | None = None
    rescale: bool = True

    def __post_init__(self) -> None:
        if self.to not in REWINDS:
            raise unknown_name("rewind", self.to, REWINDS)
        if self.late_epochs is not None and self.late_epochs < 1:
            raise RequestError(f"late epochs {self.late_epochs} must be at least 1")


@dataclass(frozen=True)
class DropNet:
    """What Algorithm 1 is run with.

    Attributes
    ----------
    metric
        A score's name, ranked over all layers (``"minimum"``) or within each
        (``"minimum_layer"``); or ``"oracle"``, the units that the training loss misses
        least, one after the other (`pruning.dropnet.oracle`).
    score_mode
        ``"text"`` scores as the paper says, ``"paper"`` as its published code does where
        that differs (the sign of values averaged over positions, APoZ by image).
    fraction
        p, the share of the remaining units dropped a round, in (0, 1).
    kappa
        κ: a run stops when validation accuracy is at most κ × its round 0's; in [0, 1].
    keep
        A run stops when at most this share of its units remains, in [0, 1). The default
        is reached after three rounds of the default p, with about half the units: on the
        digits that is as far as a team of five keeps up with the best unpruned network.
    rounds
        Most pruning rounds, or None for as many as κ and `keep` allow; 1 is one-shot.
    round_to
        Each layer's count is brought down to a multiple of this; a round may then drop more
        than p.
    coupling
        ``"joint"``: channels that a sum couples live and die together; ``"paper"``: every
        layer has a mask of its own, as in the published code (`pruning.dropnet.coupling`).
    init
        A ``.safetensors`` file or torchvision's name (`pruning.networks.weights`) whose weights are
        θ0 of every run, in place of a draw; the runs then differ in the order of their samples
        alone.
    rewinding
        What the survivors start from.
    recipe
        How each round trains.
    """

    metric: str = "minimum"
    score_mode: ScoreMode = "text"
    fraction: float = 0.2
    kappa: float = 0.97
    keep: float = 0.55
    rounds: int | None = None
    round_to: int = 1
    coupling: Coupling = "joint"
    init: str | None = None
    rewinding: Rewinding = field(default_factory=Rewinding)
    recipe: Recipe = field(default_factory=Recipe)

    def __post_init__(self) -> None:
        self._check_metric()
        if self.score_mode not in get_args(ScoreMode):
            raise unknown_name("score mode", self.score_mode, get_args(ScoreMode))
        if self.coupling not in get_args(Coupling):
            raise unknown_name("coupling", self.coupling, get_args(Coupling))
        if self.round_to < 1:
            raise RequestError(f"round_to {self.round_to} must be 1 or more")
        for name, low, high in (("fraction", 0, 1), ("kappa", 0, 1), ("keep", 0, 1)):
            value = getattr(self, name)
            if not (low <= value <= high) or (name == "fraction" and value in (0, 1)):
                raise RequestError(f"{name} {value} must lie between {low} and {high}")
        if self.rounds is not None and self.rounds < 0:
            raise RequestError(f"rounds {self.rounds} must be 0 or more")

    def _check_metric(self) -> None:
        name, _ = split_metric(self.metric)
        if self.metric in METRICS:
            return
        from pruning.scores.score import SCORES
        from pruning.scores.sweep import metric_names

        if name not in SCORES:
            raise unknown_name("metric", self.metric, (*metric_names(), *METRICS))
