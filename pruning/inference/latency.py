"""How long each network takes for one sample: a measurement, unlike the counted costs.

What the comparison measures (`pipelines.compare.measuring`) is another quantity: the latency
and memory of a whole product in a process of its own. The clock is the same.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from pruning.core.threads import threads
from pruning.core.timing import median_seconds

TURNS = 15
WARM_UPS = 6
TURN_SECONDS = 0.002
"""How long a turn of a quick network is made to take."""


def measure_latencies(
    networks: Sequence[nn.Module], input_shape: tuple[int, ...], *, turns: int = TURNS
) -> NDArray[np.float64]:
    """Return (M,) float64 seconds per sample, at batch 1 on one processor thread.

    The networks take turns, so that a slow moment of the machine falls on all of them; each
    figure is the least of its turns, for what else the machine does only adds.

    Parameters
    ----------
    networks
        On the processor; put into eval mode.
    input_shape
        One sample, as the networks take it after scaling.
    turns
        Of each network, at least 1.
    """
    sample = torch.zeros(1, *input_shape)
    with threads(1), torch.inference_mode():
        for network in networks:
            network.eval()
            for _ in range(WARM_UPS):
                network(sample)
        measured = [[_turn(network, sample) for network in networks] for _ in range(turns)]
    seconds: NDArray[np.float64] = np.min(np.array(measured), axis=0)
    return seconds


def _turn(network: nn.Module, sample: torch.Tensor) -> float:
    return median_seconds(lambda _: network(sample), calls=1, seconds=TURN_SECONDS)
