"""How long each network takes for one sample: a measurement, unlike the counted costs."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pipelines.build.device import threads

ROUNDS = 15
LEAST_SECONDS = 0.002


def measure_latencies(
    networks: Sequence[nn.Module], input_shape: tuple[int, ...], *, rounds: int = ROUNDS
) -> NDArray[np.float64]:
    """Return (M,) float64 seconds a sample, at batch 1 on one processor thread.

    The networks take turns, `rounds` times, so that a slow moment of the machine falls on
    all of them; each figure is the median of its turns. A turn repeats a quick network
    until two milliseconds are filled.

    Parameters
    ----------
    networks
        On the processor; put into eval mode.
    input_shape
        One sample, as the networks take it after scaling.
    rounds
        Turns of each network, at least 1.
    """
    sample = torch.zeros(1, *input_shape)
    with threads(1), torch.inference_mode():
        repeats = [_repeats(network.eval(), sample) for network in networks]
        turns = [
            [_seconds(n, sample, times) for n, times in zip(networks, repeats, strict=True)]
            for _ in range(rounds)
        ]
    seconds: NDArray[np.float64] = np.median(np.array(turns), axis=0)
    return seconds


def _repeats(network: nn.Module, sample: torch.Tensor) -> int:
    """Return how many passes fill a turn; the first passes also warm the network up."""
    _seconds(network, sample, 3)
    return max(1, round(LEAST_SECONDS / _seconds(network, sample, 3)))


def _seconds(network: nn.Module, sample: torch.Tensor, times: int) -> float:
    started = time.perf_counter()
    for _ in range(times):
        network(sample)
    return (time.perf_counter() - started) / times
