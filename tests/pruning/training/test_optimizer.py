from __future__ import annotations

import copy

import pytest
import torch
from torch import nn

from pruning.training.optimizer import SGD, Adam, AdamW, decayed_parameters


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("momentum", [None, 0.0, 0.9])
def test_steps_are_those_of_torch_optim(momentum: float | None, decay: float) -> None:
    generator = torch.Generator().manual_seed(0)
    ours = [torch.rand(3, 2, generator=generator), torch.rand(4, generator=generator)]
    theirs = [value.clone() for value in ours]
    if momentum is None:
        optimizer = Adam(ours, decay)
        reference: torch.optim.Optimizer = torch.optim.Adam(theirs, weight_decay=decay)
    else:
        optimizer = SGD(ours, momentum, decay)  # type: ignore[assignment]
        reference = torch.optim.SGD(theirs, momentum=momentum, weight_decay=decay)
    for step in range(5):
        reference.param_groups[0]["lr"] = rate = 0.1 / (step + 1)
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = other.grad = torch.rand(mine.shape, generator=generator)
        optimizer.step(rate)
        reference.step()
        for mine, other in zip(ours, theirs, strict=True):
            torch.testing.assert_close(mine, other)


@pytest.mark.parametrize("captured", [False, True])
def test_adamws_steps_are_torchs_with_decay_on_matrices_alone(captured: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    network = nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), nn.Linear(4, 2))
    other = copy.deepcopy(network)
    decayed = decayed_parameters(network)
    assert [tuple(p.shape) for p in decayed] == [(3, 2, 3), (2, 4)]
    optimizer = AdamW(list(network.parameters()), 0.1, decayed)
    groups = [
        {"params": [p for p in other.parameters() if p.ndim > 1], "weight_decay": 0.1},
        {"params": [p for p in other.parameters() if p.ndim == 1], "weight_decay": 0.0},
    ]
    reference = torch.optim.AdamW(groups)
    for step in range(5):
        rate = 0.1 / (step + 1)
        for group in reference.param_groups:
            group["lr"] = rate
        for mine, theirs in zip(network.parameters(), other.parameters(), strict=True):
            mine.grad = torch.rand(mine.shape, generator=generator)
            theirs.grad = mine.grad.clone()
        optimizer.step(torch.tensor(rate) if captured else rate)
        reference.step()
        for mine, theirs in zip(network.parameters(), other.parameters(), strict=True):
            torch.testing.assert_close(mine, theirs)


@pytest.mark.parametrize("kind", ["adam", "adamw", "sgd"])
def test_a_parameter_without_gradient_stays(kind: str) -> None:
    moving, still = (torch.ones(2, requires_grad=True) for _ in range(2))
    moving.grad = torch.ones(2)
    both = [still, moving]
    made = {"adam": Adam(both, 0.1), "adamw": AdamW(both, 0.1, both), "sgd": SGD(both, 0.9, 0.1)}
    made[kind].step(0.1)
    assert torch.equal(still, torch.ones(2))
    assert not torch.equal(moving, torch.ones(2))
