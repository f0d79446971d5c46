"""Asking networks what a probe asks: when a file is written, and when it is read."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ensemble.description import Description
from ensemble.member import EnsembleMember
from ensemble.probe import HALF, SINGLE, Probe, few, noise
from ensemble.reading.arrays import Samples
from pruning.core.seeds import set_back
from pruning.networks.weights import tensors_of


def take_probe(
    members: Sequence[EnsembleMember], about: Description, samples: Samples | None = None
) -> Probe | None:
    """Return a probe of the members as they stand.

    None where no copy could be held to it: where noise is no input for a network or gives it
    numbers that are not finite, and where a network answers differently each time. Samples that
    are handed in must be an input.

    Parameters
    ----------
    members
        With their networks, wherever these are; they are asked on the processor.
    about
        Gives the input's shape and scaling.
    samples
        (N, *input_shape) checked ones, of which the first few are kept; noise when None.
    """
    given = None if samples is None else few(samples)
    asked = noise(about.input_shape, about.scaling) if given is None else given
    try:
        with set_back():
            first, second = (member_answers(members, about, asked) for _ in range(2))
    except Exception:  # whatever a user's network raises on noise
        if given is not None:
            raise
        return None
    probe = Probe.of(first, tolerance_of(members), given)
    held = not any(probe.strays(row, second[row]) for row in range(len(members)))
    return probe if held else None


def answers(network: nn.Module, inputs: Tensor) -> NDArray[np.float32]:
    """Return (K, C) probabilities that a network makes of (K, …) scaled inputs."""
    with torch.inference_mode():
        found: NDArray[np.float32] = network(inputs).float().softmax(-1).numpy()
    return found


def tolerance_of(members: Sequence[EnsembleMember]) -> float:
    """Return how far answers may stray, by the coarsest numbers any member is made of."""
    kinds = {t.dtype for member in members for t in tensors_of(member.network).values()}
    return HALF if kinds & {torch.float16, torch.bfloat16} else SINGLE


def member_answers(
    members: Sequence[EnsembleMember], about: Description, samples: Samples
) -> NDArray[np.float32]:
    """Return (S, K, C) probabilities that the members make of K samples, on the processor."""
    inputs = about.scaling(torch.from_numpy(samples))
    return np.stack([answers(_on_processor(m.network), inputs) for m in members])


def _on_processor(network: nn.Module) -> nn.Module:
    devices = {tensor.device.type for tensor in tensors_of(network).values()}
    return (network if devices <= {"cpu"} else copy.deepcopy(network).cpu()).eval()
