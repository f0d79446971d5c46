from __future__ import annotations

import pytest
import torch

from pruning.training.optimizer import SGD, Adam


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


@pytest.mark.parametrize("kind", ["adam", "sgd"])
def test_a_parameter_without_gradient_stays(kind: str) -> None:
    moving, still = torch.ones(2), torch.ones(2)
    moving.grad = torch.ones(2)
    both = [still, moving]
    optimizer = Adam(both, 0.1) if kind == "adam" else SGD(both, 0.9, 0.1)
    optimizer.step(0.1)
    assert torch.equal(still, torch.ones(2))
    assert not torch.equal(moving, torch.ones(2))
