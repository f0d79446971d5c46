"""Randomness is an argument: independent generators derived from (seed, purpose, round).

Every stream has its own key, so that drawing more from one never shifts another, and a
run that resumes at round k draws what it would have drawn without the stop.
"""

from __future__ import annotations

import operator
import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import numpy as np

from pruning.core.errors import RequestError

if TYPE_CHECKING:
    import torch

Purpose = Literal["initial", "batches", "scores", "rewind", "split", "teams", "noise"]
_KEYS: dict[Purpose, int] = {
    "initial": 0, "batches": 1, "scores": 2, "rewind": 3, "split": 5, "teams": 6,
    "noise": 7,
}  # fmt: skip
"""Part of every stream: a key that changes, or is used again, changes what runs draw."""

_DRAWING = threading.RLock()
"""Held by who sets the process's global generators for a while, which is an epoch at most: in
several threads each draws what it draws alone."""


def checked_seed(seed: object) -> int:
    """Return a seed as an int; nothing else is taken for one.

    Raises
    ------
    RequestError
        For what is no whole number, or is below 0.

    >>> checked_seed(np.int64(3))
    3
    """
    try:
        whole = -1 if isinstance(seed, bool) else operator.index(seed)  # type: ignore[arg-type]
    except TypeError:
        whole = -1
    if whole < 0:
        raise RequestError(f"`seed` {seed!r}: allowed whole numbers, 0 and more")
    return whole


def numpy_generator(seed: int, purpose: Purpose, round_index: int = 0) -> np.random.Generator:
    """Return the NumPy generator of one purpose in one round of the run with this seed."""
    return np.random.default_rng(_sequence(seed, purpose, round_index))


def torch_generator(
    seed: int, purpose: Purpose, round_index: int = 0, device: str = "cpu"
) -> torch.Generator:
    """Return the torch generator of one purpose in one round of the run with this seed."""
    import torch

    state = int(_sequence(seed, purpose, round_index).generate_state(1, np.uint64)[0])
    return torch.Generator(device=device).manual_seed(state)


def noise_generator(order: torch.Generator, epoch: int) -> torch.Generator:
    """Return what dropout draws from in an epoch, beside the order that `order` draws.

    It depends on where `order` began, not on how much it has drawn.
    """
    return torch_generator(order.initial_seed(), "noise", epoch)


@contextmanager
def seeded(generator: torch.Generator) -> Iterator[None]:
    """Begin torch's, NumPy's and Python's global generators where this one is; set them back after.

    For code that is not ours, such as a network's own drawing of its weights: it takes no
    generator.
    """
    import torch

    with set_back():
        arrays, own = np.random.get_state(), random.getstate()  # noqa: NPY002 - a user's code draws there
        torch.set_rng_state(generator.get_state())
        np.random.seed(generator.initial_seed() % 2**32)  # noqa: NPY002
        random.seed(generator.initial_seed())
        try:
            yield
        finally:
            np.random.set_state(arrays)  # noqa: NPY002
            random.setstate(own)


@contextmanager
def set_back(devices: Sequence[torch.device] = ()) -> Iterator[None]:
    """Set torch's global generator back after, and that of these cards; nobody draws meanwhile."""
    import torch

    with _DRAWING, torch.random.fork_rng(devices=devices):
        yield


def _sequence(seed: int, purpose: Purpose, round_index: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([checked_seed(seed), _KEYS[purpose], round_index])
