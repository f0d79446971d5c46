"""Measured latency: in order of the networks, and in turns."""

from __future__ import annotations

import time

import torch
from torch import Tensor, nn

from pruning.inference.latency import measure_latencies


class Slow(nn.Module):
    """Takes a given time, and notes that it was asked."""

    def __init__(self, seconds: float, asked: list[float]) -> None:
        super().__init__()
        self.seconds, self.asked = seconds, asked

    def forward(self, inputs: Tensor) -> Tensor:
        assert inputs.shape == (1, 3)
        assert torch.get_num_threads() == 1
        self.asked.append(self.seconds)
        time.sleep(self.seconds)
        return inputs


def test_a_slower_network_is_measured_slower_and_they_take_turns() -> None:
    asked: list[float] = []
    threads = torch.get_num_threads()
    found = measure_latencies([Slow(0.02, asked), Slow(0.01, asked)], (3,), turns=3)
    assert torch.get_num_threads() == threads
    assert found[0] >= 0.02
    assert found[0] > found[1] >= 0.01
    assert asked[-6:] == [0.02, 0.01] * 3
