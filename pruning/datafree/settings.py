"""What data-free pruning is run with; no torch is needed to say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from pruning.core.errors import RequestError, unknown_name

Saliency = Literal["heuristic", "exact"]


@dataclass(frozen=True)
class Merging:
    """How much of each trained network is merged away.

    Attributes
    ----------
    fraction
        Share of the neurons of each layer that can be merged, in [0, 1).
    counts
        (layer, neurons) pairs in its place: so many of these layers, none of the others.
        With neither, each layer stops at its data-free cut-off.
    saliency
        See `pruning.datafree.merging.differences`.
    """

    fraction: float | None = None
    counts: tuple[tuple[str, int], ...] = ()
    saliency: Saliency = "exact"

    def __post_init__(self) -> None:
        if self.fraction is not None and not 0 <= self.fraction < 1:
            raise RequestError(f"share to remove {self.fraction} must lie in [0, 1)")
        if self.fraction is not None and self.counts:
            raise RequestError(
                "give a share of each layer to remove, or counts of layers, not both"
            )
        if self.saliency not in get_args(Saliency):
            raise unknown_name("saliency", self.saliency, get_args(Saliency))

    @classmethod
    def of(cls, words: Iterable[str], saliency: Saliency = "exact") -> Merging:
        """Return what ``0.5``, ``fc=440`` or several ``LAYER=COUNT`` ask for.

        >>> Merging.of(["fc1=20", "fc2=10"]).counts
        (('fc1', 20), ('fc2', 10))
        >>> Merging.of(["0.5"]).fraction
        0.5
        """
        fraction, counts = None, {}
        for word in words:
            layer, sign, number = word.rpartition("=")
            if sign and layer and number.isdecimal():
                counts[layer] = int(number)
                continue
            try:
                fraction = float(word)
            except ValueError:
                fraction = -1.0
            if not 0 <= fraction < 1:
                raise RequestError(
                    f"what to remove, {word!r}, must be a share of each layer such as 0.5, "
                    "or LAYER=COUNT such as fc=440"
                )
        return cls(fraction, tuple(counts.items()), saliency)

    @property
    def words(self) -> tuple[str, ...]:
        """What `of` makes this of again."""
        share = () if self.fraction is None else (f"{self.fraction:g}",)
        return (*share, *(f"{layer}={count}" for layer, count in self.counts))
