"""What data-free pruning is run with; no torch is needed to say it."""

from __future__ import annotations

import contextlib
import numbers
import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pruning.core.errors import RequestError
from pruning.core.option_checks import check_options
from pruning.core.options import option

Saliency = Literal["heuristic", "exact"]


def read_removal(given: Any) -> dict[str, Any]:
    """Return the fields of `Merging` that a share, ``fc=440`` or several ``LAYER=COUNT`` ask for.

    Parameters
    ----------
    given
        A number or a text, or several.

    Raises
    ------
    RequestError
        For what is neither a share nor a count of a layer, or is both.

    >>> read_removal(["fc1=20", "fc2=10"])
    {'fraction': None, 'counts': (('fc1', 20), ('fc2', 10))}
    >>> read_removal(["0.5"]) == read_removal(0.5)
    True
    """
    shares, counts = [], {}
    alone = isinstance(given, str) or not isinstance(given, Iterable)
    for word in [given] if alone else given:
        layer, sign, number = word.rpartition("=") if isinstance(word, str) else ("", "", "")
        if sign and layer and number.isdecimal():
            counts[layer] = int(number)
        else:
            shares.append(_share(word))
    if len(shares) > 1 or (shares and counts):
        raise RequestError(
            "`remove` takes one share for all layers or a count per layer, not both; "
            "give one of them"
        )
    return {"fraction": shares[0] if shares else None, "counts": tuple(counts.items())}


def _share(word: object) -> float:
    """Return the share that a number is, or a text."""
    number = isinstance(word, str | numbers.Real) and not isinstance(word, bool)
    with contextlib.suppress(ValueError):
        if number and 0 <= (share := float(word)) < 1:  # type: ignore[arg-type]
            return share
    shown = repr(word) if isinstance(word, str) else f"{word}"
    raise RequestError(
        f"`remove` {shown}: allowed a share of each layer, 0 and more, less than 1, "
        "such as 0.5, or LAYER=COUNT, such as fc=440"
    )


def _counts(given: Any) -> tuple[tuple[str, int], ...]:
    """Return pairs of a layer and a count, from pairs or a mapping, in their one form."""
    pairs = given.items() if isinstance(given, Mapping) else given
    with contextlib.suppress(TypeError, ValueError):
        found = tuple((layer, operator.index(count)) for layer, count in pairs)
        if all(isinstance(layer, str) and count >= 0 for layer, count in found):
            return found
    raise RequestError(
        f"`counts` {given}: allowed pairs of a layer and how many of its neurons go, such as "
        "(('fc', 440),)"
    )


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
        object.__setattr__(self, "counts", _counts(self.counts))
        if self.fraction is not None and self.counts:
            raise RequestError(
                "`fraction` and `counts` are two ways to say what goes; give one of them"
            )

    @property
    def words(self) -> tuple[str, ...]:
        """What `read_removal` makes these fields of again."""
        share = () if self.fraction is None else (f"{self.fraction}".removesuffix(".0"),)
        return (*share, *(f"{layer}={count}" for layer, count in self.counts))
