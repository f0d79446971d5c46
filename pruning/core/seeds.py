"""Randomness is an argument: independent generators derived from (seed, purpose, round).

Every stream has its own key, so that drawing more from one never shifts another, and a
run that resumes at round k draws what it would have drawn without the stop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    import torch

Purpose = Literal["initial", "batches", "scores", "rewind", "split"]
_KEYS: dict[Purpose, int] = {"initial": 0, "batches": 1, "scores": 2, "rewind": 3, "split": 5}
"""Part of every stream: a key that changes, or is used again, changes what runs draw."""


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


def _sequence(seed: int, purpose: Purpose, round_index: int) -> np.random.SeedSequence:
    return np.random.SeedSequence([seed, _KEYS[purpose], round_index])
