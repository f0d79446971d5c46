"""Samples moved to where networks disagree: how far, which way, and what teachers say there."""

from __future__ import annotations

import copy
import itertools
import math

import pytest
import torch
from pruning_support import blobs
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.dropnet.algorithm import dropnet
from pruning.dropnet.population import Runs
from pruning.dropnet.settings import DropNet
from pruning.networks.architecture import build_network
from pruning.training.perturbation import _splitmix64, directions, draw_directions, moved
from pruning.training.recipe import Recipe


def _drawn(count: int, seed: int = 0) -> Tensor:
    return draw_directions(count, torch.Generator().manual_seed(seed))[:, 0]


def test_numbers_become_what_splitmix64_is_known_to_give() -> None:
    found = [value % 2**64 for value in _splitmix64(torch.tensor([[1234567]]), 3)[0].tolist()]
    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_directions_are_uniform_and_each_sample_s_own() -> None:
    found = directions(_drawn(5000), 10)
    assert found.dtype == torch.float32
    assert -1 <= found.min() < -0.999
    assert 0.999 < found.max() < 1
    assert found.mean(0).abs().max() < 0.05
    assert (found.var(0) - 1 / 3).abs().max() < 0.03
    assert (torch.corrcoef(found.T) - torch.eye(10)).abs().max() < 0.1
    assert torch.equal(directions(_drawn(5000)[7:8], 10)[0], found[7])
    assert torch.equal(directions(_drawn(3), 4), directions(_drawn(3), 9)[:, :4])


@pytest.mark.parametrize("shape", [(1, 4, 4), (3, 8, 8), (7,)])
@pytest.mark.parametrize("length", [0.003, 0.5])
def test_the_step_has_its_length_whatever_the_shape(shape: tuple[int, ...], length: float) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(math.prod(shape), 3))
    inputs = torch.randn(20, *shape, generator=torch.Generator().manual_seed(1))
    found = moved(network, inputs, _drawn(20), length=length, temperature=2.0)
    assert not found.requires_grad
    assert all(parameter.grad is None for parameter in network.parameters())
    squares = (found - inputs).square().flatten(1)
    torch.testing.assert_close(squares.mean(1).sqrt(), torch.full((20,), length), rtol=1e-3, atol=0)
    torch.testing.assert_close(
        squares.sum(1).sqrt(), torch.full((20,), length * math.prod(shape) ** 0.5),
        rtol=1e-3, atol=0,
    )  # fmt: skip


def test_a_step_by_hand() -> None:
    """Of two probabilities wᵀp grows with the first logit where w is greater there."""
    drawn = _drawn(50)
    w = directions(drawn, 2)
    found = moved(lambda x: x, torch.ones(50, 2), drawn, length=0.25, temperature=3.0) - 1
    expected = 0.25 * (w[:, 0] - w[:, 1]).sign()
    torch.testing.assert_close(found, torch.stack([expected, -expected], 1))


def test_a_step_raises_what_it_is_to_raise_by_its_length_times_the_slope() -> None:
    network, length = build_network("conv-b:3-4", 3, (1, 4, 4), 0).eval().double(), 1e-5
    inputs = torch.rand(20, 1, 4, 4, generator=torch.Generator().manual_seed(1)).double()
    drawn = _drawn(20)

    def height(asked: Tensor) -> Tensor:
        answers: Tensor = (network(asked) / 2).softmax(1)
        return (directions(drawn, 3) * answers).sum(1)

    at = inputs.clone().requires_grad_()
    (slope,) = torch.autograd.grad(height(at).sum(), at)
    # moved() answers in float32: a direction that is a little off rises all but as much.
    found = moved(network, inputs, drawn, length=length, temperature=2.0)
    risen = height(found) - height(inputs)
    torch.testing.assert_close(
        risen, length * 4 * slope.flatten(1).norm(dim=1), rtol=1e-3, atol=1e-12
    )


def test_a_sample_whose_answer_nothing_changes_stays() -> None:
    inputs = torch.rand(4, 5)
    flat = moved(lambda x: 0 * x[:, :3], inputs, _drawn(4), length=0.5, temperature=1.0)
    sure = moved(lambda x: 1e4 * x[:, :3], inputs, _drawn(4), length=0.5, temperature=1.0)
    assert torch.equal(flat, inputs)
    assert torch.equal(sure, inputs)


def test_teachers_disagree_more_on_moved_samples() -> None:
    splits = blobs()
    settings = DropNet(recipe=Recipe(learning_rate=0.01, batch_size=16, max_epochs=20))
    members = next(dropnet(Runs.of("mlp-a:8-6", 4, seed=5), splits, settings))
    networks = [member.network for member in members]
    before = copy.deepcopy([network.state_dict() for network in networks])
    inputs = splits.scaling(torch.from_numpy(splits.train.images))

    def disagreement(asked: Tensor) -> float:
        with torch.no_grad():
            predicted = [network(asked).argmax(1) for network in networks]
        pairs = itertools.combinations(predicted, 2)
        return sum(float((one != other).float().mean()) for one, other in pairs) / 6

    noise = torch.randn(inputs.shape, generator=torch.Generator().manual_seed(1))
    as_far_at_random = disagreement(inputs + 0.2 * noise)
    assert disagreement(inputs) < 0.01
    for seed, network in enumerate(networks):
        further = moved(network, inputs, _drawn(96, seed), length=0.2, temperature=2.0)
        assert disagreement(further) > max(0.05, 2 * as_far_at_random)
    for network, weights in zip(networks, before, strict=True):
        assert all(torch.equal(weights[key], now) for key, now in network.state_dict().items())


class Counted(nn.Module):
    """Reads its input as whole numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(10, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.words(inputs.long()).sum(1)  # type: ignore[no-any-return]


def test_a_network_without_a_gradient_by_its_input_is_refused() -> None:
    with pytest.raises(RequestError, match="`perturb` needs networks whose answers have a grad"):
        moved(Counted(), torch.ones(4, 5), _drawn(4), length=0.5, temperature=1.0)
