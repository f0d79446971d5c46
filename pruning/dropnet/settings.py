"""What Algorithm 1 is run with, checked before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import nn

from pruning.core.errors import RequestError
from pruning.dropnet.coupling import Coupling, Units
from pruning.dropnet.dropping import METRICS, ScoreMode, check_dropping, check_fit
from pruning.dropnet.rewinding import Rewinding
from pruning.surgery import find_groups
from pruning.training.recipe import Recipe


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
        check_dropping(self.metric, self.score_mode, self.round_to)
        Units.of((), self.coupling)
        for name, low, high in (("fraction", 0, 1), ("kappa", 0, 1), ("keep", 0, 1)):
            value = getattr(self, name)
            if not (low <= value <= high) or (name == "fraction" and value in (0, 1)):
                raise RequestError(f"{name} {value} must lie between {low} and {high}")
        if self.rounds is not None and self.rounds < 0:
            raise RequestError(f"rounds {self.rounds} must be 0 or more")

    def units(self, network: nn.Module, input_shape: tuple[int, ...]) -> Units:
        """Return what can be pruned of a network; nothing is trained.

        Raises
        ------
        RequestError
            If the network cannot be pruned as these settings ask.
        """
        units = Units.of(find_groups(network, input_shape), self.coupling)
        if self.metric in METRICS and units.independent:
            raise RequestError(
                f"metric {self.metric!r} removes whole units; leave out --coupling paper"
            )
        check_fit(self.metric, network, units.masked)
        units.check(network, input_shape)
        return units
