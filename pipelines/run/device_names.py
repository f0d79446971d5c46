"""What ``--device`` may say, as a value; no card is looked for to read it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from pruning.core.errors import RequestError

Kind = Literal["auto", "cpu", "cuda"]

KINDS: tuple[Kind, ...] = ("auto", "cpu", "cuda")

ALLOWED = "auto, cpu, cuda (every card), cuda:1 (one card), cuda:0,2 (some, none twice)"

_CARDS = re.compile(r"cuda:((?:0|[1-9][0-9]*)(?:,(?:0|[1-9][0-9]*))*)", re.ASCII)


@dataclass(frozen=True)
class AskedDevice:
    """Where a build was asked to compute.

    Attributes
    ----------
    kind
        ``auto``, ``cpu`` or ``cuda``: all of it that is part of a run's identity.
    cards
        Numbers of cards, in the order in which they were given; None means every card.
    """

    kind: Kind
    cards: tuple[int, ...] | None = None


def asked_device(text: str) -> AskedDevice:
    """Return what a device's name asks for.

    >>> asked_device("cuda:0,2")
    AskedDevice(kind='cuda', cards=(0, 2))

    Raises
    ------
    RequestError
        If it is none of `ALLOWED`.
    """
    for kind in KINDS:
        if text == kind:
            return AskedDevice(kind)
    found = _CARDS.fullmatch(text)
    cards = tuple(map(int, found[1].split(","))) if found and len(text) < 1000 else ()
    if not cards or len(set(cards)) < len(cards):
        raise RequestError(f"`device` {text!r}: allowed {ALLOWED}; the default is auto")
    return AskedDevice("cuda", cards)
