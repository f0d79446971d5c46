"""Which devices a build trains on."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

from pipelines.run.device_names import asked_device
from pruning.core.errors import RequestError


@dataclass(frozen=True)
class Devices:
    """What computes a build.

    Attributes
    ----------
    kind
        ``cpu`` or ``cuda``: what the results depend on.
    names
        The processor, or the cards that share the groups, by torch's names; at least one.
    """

    kind: Literal["cpu", "cuda"] = "cpu"
    names: tuple[str, ...] = ("cpu",)

    @property
    def first(self) -> str:
        """Where is computed what is not shared: predictions, the control."""
        return self.names[0]

    @property
    def least_able(self) -> str:
        """The card of the least compute capability: what it can, the others can, too."""
        cards = [name for name in self.names if torch.device(name).type == "cuda"]
        return min(cards, key=torch.cuda.get_device_capability, default=self.first)


PROCESSOR = Devices()
"""The processor alone."""


def list_cards() -> tuple[str, ...]:
    """Return the CUDA devices of this machine by torch's names, in the order of their numbers."""
    if not torch.cuda.is_available():
        return ()
    return tuple(f"cuda:{number}" for number in range(torch.cuda.device_count()))


def devices_for(asked: str, recorded: str | None = None) -> Devices:
    """Return the devices that compute what is asked; every card among them has been tried.

    Parameters
    ----------
    asked
        As ``--device`` takes it; ``auto`` takes every card where there is one.
    recorded
        ``cpu`` or ``cuda``, where a run has begun: ``auto`` then goes on there.

    Raises
    ------
    RequestError
        If a card is not here, or cannot hold one number.

    Warns
    -----
    UserWarning
        If ``auto`` takes the processor since the driver could not be asked for cards.
    """
    wanted = asked_device(asked)
    if "cpu" in (wanted.kind, recorded):
        return PROCESSOR
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        cards = list_cards()
    if not cards:
        why = _first_line(said[0].message) if said else ""
        if wanted.kind == "cuda" or recorded == "cuda":
            raise _no_card(asked, wanted.kind, why)
        if why:
            warnings.warn(f"training on the processor: {why}", stacklevel=2)
        return PROCESSOR
    numbers = range(len(cards)) if wanted.cards is None else wanted.cards
    if absent := [number for number in numbers if number >= len(cards)]:
        known = ", ".join(f"cuda:{number}" for number in range(len(cards)))
        raise RequestError(
            f"`device` {asked!r}: there is no card {absent[0]} here; allowed {known}, cpu, auto"
        )
    names = tuple(cards[number] for number in numbers)
    for name in names:
        _try(name, asked)
    return Devices("cuda", names)


def _no_card(asked: str, kind: str, why: str) -> RequestError:
    here = "no CUDA device is here" + (f" ({why})" if why else "")
    if kind == "cuda":
        return RequestError(f"`device` {asked!r}: {here}; allowed cpu, auto")
    return RequestError(
        f"this run trains on CUDA, and {here}; go on where there is one, or begin another with "
        "`device` cpu"
    )


def _first_line(error: object) -> str:
    """Return what a driver says without the advice and the source lines that follow."""
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return text.partition(" (Triggered internally")[0]


def leaves_cards_idle(asked: str, devices: Devices) -> bool:
    """Whether ``auto`` came to the processor on a machine that lists cards."""
    return asked == "auto" and devices == PROCESSOR and bool(list_cards())


def where_it_was(recorded: str) -> str:
    """Return where a stored run's networks predict: a card, if they trained on one and one works.

    Probabilities on a processor and on a card are equal but for rounding.
    """
    try:
        return devices_for("auto", recorded).first
    except RequestError:
        return PROCESSOR.first


def _try(name: str, asked: str) -> None:
    """Refuse a card that cannot hold a number: a driver may list cards that it cannot use."""
    try:
        hold_a_number(name)
    except Exception as error:  # whatever the driver raises
        reason = _first_line(error)
        raise RequestError(
            f"`device` {asked!r}: {name} is listed and cannot be used ({reason}); free it or mend "
            "its driver, or take another card or `device` cpu"
        ) from error


def hold_a_number(name: str) -> None:
    """Put a number on a device and read it back."""
    torch.ones(1, device=name).item()


@contextmanager
def on(name: str) -> Iterator[None]:
    """Make a card the current one for a while, for code that names none; a processor needs none.

    Memory that torch keeps for later is given back afterwards: a worker process may idle while
    another process needs it.
    """
    if torch.device(name).type != "cuda":
        yield
        return
    with torch.cuda.device(name):
        try:
            yield
        finally:
            torch.cuda.empty_cache()
