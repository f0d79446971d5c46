"""Scores of a network in a notebook, whatever form the samples come in."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from pruning_support import blobs
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.dropnet import DropNet, dropnet
from pruning.samples.scaling import Scaling
from pruning.scores import SCORES, importance
from pruning.training.recipe import Recipe

IMAGES = np.random.default_rng(0).integers(0, 256, (40, 1, 6, 6), dtype=np.uint8)
Y = np.arange(40) % 3


def _network() -> nn.Sequential:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(
            nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(), nn.Linear(80, 3)
        )


def _expected(network: nn.Sequential, inputs: Tensor) -> Tensor:
    with torch.no_grad():
        return network.eval()[:3](inputs).abs().mean((0, 2, 3))


@pytest.mark.parametrize(
    "X",
    [
        IMAGES,
        torch.tensor(IMAGES),
        IMAGES / 255,
        (IMAGES / 255).astype(np.float32),
        torch.tensor(IMAGES) / 255,
        (torch.tensor(IMAGES) / 255).requires_grad_(),
        (IMAGES / 255).tolist(),
    ],
)
def test_samples_in_every_form_give_the_same(X: Any) -> None:
    found = importance(_network(), X, "minimum")
    assert list(found) == ["0"] and found["0"].dtype == torch.float64
    expected = _expected(_network(), torch.tensor(IMAGES) / 255)
    torch.testing.assert_close(found["0"], expected.double(), rtol=1e-5, atol=1e-7)


def test_numbers_that_are_no_8_bit_images_are_network_input() -> None:
    X = np.random.default_rng(1).integers(-9, 9, (40, 1, 6, 6))
    found = importance(_network(), X)
    torch.testing.assert_close(
        found["0"], _expected(_network(), torch.tensor(X).float()).double(), rtol=1e-5, atol=1e-7
    )
    scaling = Scaling((3.0,), (2.0,))
    scaled = importance(_network(), X, scaling=scaling)
    torch.testing.assert_close(scaled["0"], importance(_network(), (X - 3) / 2)["0"])


@pytest.mark.parametrize("name", list(SCORES))
def test_every_score_leaves_the_network_as_it_is(name: str) -> None:
    network = _network().double()
    network[1].eval()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    random = torch.random.get_rng_state()
    found, again = (importance(network, IMAGES, name, Y)["0"] for _ in range(2))
    assert found.shape == (5,) and torch.equal(found, again)
    assert torch.equal(random, torch.random.get_rng_state())
    assert network.training and not network[1].training
    assert all(torch.equal(network.state_dict()[key], value) for key, value in before.items())
    assert not any(module._forward_hooks for module in network.modules())
    assert torch.equal(found, importance(network, IMAGES, SCORES[name], Y)["0"])
    assert torch.equal(found, importance(network, IMAGES, f"{name}_layer", Y)["0"])


def test_a_score_that_draws_draws_from_the_generator_given() -> None:
    one, other = (
        importance(_network(), IMAGES, "random", generator=torch.Generator().manual_seed(seed))["0"]
        for seed in (1, 2)
    )
    assert not torch.equal(one, other)


def test_a_member_is_scored_as_dropnet_scores_it() -> None:
    splits = blobs()
    recipe = Recipe(batch_size=16, max_epochs=2, learning_rate=0.01)
    settings = DropNet(kappa=0.0, keep=0.0, rounds=1, recipe=recipe)
    (first,), (second,) = dropnet("mlp-a:10-8", splits, settings)
    scores = importance(first.network, splits.train.images, "minimum", scaling=splits.scaling)
    dropped = torch.cat([~second.masks[name] for name in scores])
    ranked = torch.cat(list(scores.values())).argsort()
    assert set(ranked[: dropped.sum()].tolist()) == set(dropped.nonzero().flatten().tolist())


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("mlp-a", IMAGES), "network is of type str, expected a torch.nn.Module; build_network"),
        ((_network(), IMAGES, "minimun"), "unknown metric 'minimun'; did you mean 'minimum'"),
        ((_network(), IMAGES, "oracle"), "unknown metric 'oracle'"),
        ((_network(), IMAGES, "taylor"), "looks at the loss's gradient: give the class indices"),
        ((_network(), IMAGES, "taylor", Y[:9]), r"y has shape \(9,\) and type torch.int64; allow"),
        ((_network(), IMAGES, "taylor", Y / 2), r"y has shape \(40,\) and type torch.float64"),
        ((_network(), IMAGES, "taylor", Y + 1), "y holds classes 1 to 3; the network has outputs"),
        ((_network(), IMAGES, "taylor", Y.astype(str)), "y has type <U"),
        ((_network(), IMAGES * np.nan), "X is empty or holds NaN"),
        ((_network(), IMAGES[:0]), r"X has type uint8 and shape \(0, 1, 6, 6\); allowed are one"),
        ((_network(), IMAGES[:, 0, 0, 0]), r"input_shape \(\) must be the shape of one sample"),
        ((_network(), IMAGES[:, 0]), r"cannot be followed on an input of shape \(6, 6\)"),
        ((_network()[:1], IMAGES, "bn_scale"), "Sequential has no layer that can be pruned"),
    ],
)  # fmt: skip
def test_what_cannot_be_scored_is_said_in_a_line(arguments: tuple[Any, ...], says: str) -> None:
    with pytest.raises(RequestError, match=says) as error:
        importance(*arguments)
    assert "\n" not in str(error.value)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
def test_samples_go_where_the_network_is() -> None:
    found = importance(_network().cuda(), IMAGES)["0"]
    torch.testing.assert_close(found, importance(_network(), IMAGES)["0"], rtol=1e-4, atol=1e-6)
