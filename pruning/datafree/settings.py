"""What data-free pruning is run with; no torch is needed to say it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from pruning.core.errors import RequestError
from pruning.core.option_checks import check_options
from pruning.core.options import option

Saliency = Literal["heuristic", "exact"]


def read_removal(words: Iterable[str]) -> dict[str, Any]:
    """Return the fields of `Merging` that ``0.5``, ``fc=440`` or several ``LAYER=COUNT`` ask for.

    >>> read_removal(["fc1=20", "fc2=10"])
    {'fraction': None, 'counts': (('fc1', 20), ('fc2', 10))}
    >>> read_removal(["0.5"])
    {'fraction': 0.5, 'counts': ()}
    """
    shares, counts = [], {}
    for word in [words] if isinstance(words, str) else words:
        layer, sign, number = word.rpartition("=")
        if sign and layer and number.isdecimal():
            counts[layer] = int(number)
            continue
        try:
            shares.append(float(word))
        except ValueError:
            shares.append(-1.0)
        if not 0 <= shares[-1] < 1:
            raise RequestError(
                f"`remove` {word!r}: allowed a share of each layer, 0 and more, less than 1, "
                "such as 0.5, or LAYER=COUNT, such as fc=440"
            )
    if len(shares) > 1 or (shares and counts):
        raise RequestError(
            "`remove` takes one share for all layers or a count per layer, not both; "
            "give one of them"
        )
    return {"fraction": shares[0] if shares else None, "counts": tuple(counts.items())}


@dataclass(frozen=True)
class Merging:
    """How much of each trained network is merged away.

    `fraction` is of the neurons of each layer that can be merged; `counts` says in its place
    how many of these layers go, and none of the others. With neither, each layer stops at its
    data-free cut-off. For `saliency` see `pruning.datafree.merging.differences`.
    """

    fraction: float | None = option(
        None, "Share of each dense layer's neurons that goes.", least=0, below=1, flag=None
    )
    counts: tuple[tuple[str, int], ...] = option(
        (),
        "With datafree: the share of each dense layer's neurons that goes (0.5), or "
        "LAYER=COUNT, repeated for several layers.",
        flag="remove", metavar="SHARE|LAYER=COUNT", unset="up to the data-free cut-off",
        read=read_removal, write=lambda merging: merging.words,
    )  # fmt: skip
    saliency: Saliency = option(
        "exact", "With datafree: how alike neurons are, exactly or by the paper's heuristic."
    )

    def __post_init__(self) -> None:
        check_options(self)
        if self.fraction is not None and self.counts:
            raise RequestError(
                "`fraction` and `counts` are two ways to say what goes; give one of them"
            )

    @property
    def words(self) -> tuple[str, ...]:
        """What `read_removal` makes these fields of again."""
        share = () if self.fraction is None else (f"{self.fraction:g}",)
        return (*share, *(f"{layer}={count}" for layer, count in self.counts))
