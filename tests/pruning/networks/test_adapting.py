"""Networks as people have them are brought to plain float32 layers that answer logits."""

from __future__ import annotations

import copy
import math
import random
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune, spectral_norm, weight_norm

from pruning.core.errors import RequestError
from pruning.core.seeds import seeded, torch_generator
from pruning.inference.stackable import stackable
from pruning.networks.adapting import PickLogits
from pruning.networks.architecture import build_network, given_parts
from pruning.networks.weights import load_weights, tensors_of
from pruning.surgery import find_groups, full_masks, module_sizes, resize, shrink

SHAPE = (1, 4, 4)
Make = Callable[[int, tuple[int, ...]], nn.Module]


def body(classes: int, shape: tuple[int, ...]) -> nn.Sequential:
    return nn.Sequential(
        nn.Flatten(), nn.Linear(math.prod(shape), 8), nn.Tanh(), nn.Linear(8, classes)
    )


def with_layer(change: Callable[[nn.Module], object]) -> Make:
    """Return a factory whose first layer is changed."""

    def make(classes: int, shape: tuple[int, ...]) -> nn.Module:
        network = body(classes, shape)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the old weight norm says that it is old
            change(network[1])
        return network

    return make


def lazy(classes: int, shape: tuple[int, ...]) -> nn.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return nn.Sequential(nn.Flatten(), nn.LazyLinear(8), nn.Tanh(), nn.LazyLinear(classes))


HELD_IN_PARTS: dict[str, Make] = {
    "weight norm": with_layer(parametrizations.weight_norm),
    "old weight norm": with_layer(weight_norm),
    "prune": with_layer(lambda layer: prune.l1_unstructured(layer, "weight", amount=0.5)),
    "half": lambda c, s: body(c, s).half(),
    "bfloat16": lambda c, s: body(c, s).bfloat16(),
    "double": lambda c, s: body(c, s).double(),
    "lazy": lazy,
}


@pytest.mark.parametrize("kind", HELD_IN_PARTS)
def test_what_is_held_in_parts_becomes_plain_and_computes_the_same(kind: str) -> None:
    make = HELD_IN_PARTS[kind]
    network = build_network(make, 3, SHAPE, 5)
    assert set(tensors_of(network)) == set(body(3, SHAPE).state_dict())
    assert {p.dtype for p in network.parameters()} == {torch.float32}
    assert find_groups(network, SHAPE)[0].size == 8
    copy.deepcopy(network)
    x = torch.rand(2, *SHAPE)
    with seeded(torch_generator(5, "initial")), torch.no_grad():
        raw = make(3, SHAPE)
        dtype = torch.float32 if kind == "lazy" else next(raw.parameters()).dtype
        torch.testing.assert_close(network(x), raw(x.to(dtype)).float(), rtol=1e-2, atol=1e-2)


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("weight norm", "weight norm of 1.weight is folded into it"),
        ("old weight norm", "weight norm of 1.weight is folded into it"),
        ("prune", "prune's mask of 1.weight is folded into it"),
        ("half", "numbers in float16 are trained as float32"),
        ("bfloat16", "numbers in bfloat16 are trained as float32"),
    ],
)
def test_what_is_folded_is_told(kind: str, line: str) -> None:
    assert given_parts(HELD_IN_PARTS[kind], 3, SHAPE) == (line,)
    assert given_parts(body, 3, SHAPE) == given_parts("mlp-a", 3, SHAPE) == ()


@pytest.mark.parametrize("kind", ["old weight norm", "prune", "weight norm"])
def test_a_network_given_itself_is_copied_and_left_as_it_is(kind: str) -> None:
    given = HELD_IN_PARTS[kind](3, SHAPE)
    before = set(given.state_dict())
    given(torch.rand(2, *SHAPE))
    network = build_network(given, 3, SHAPE, 0)
    assert set(given.state_dict()) == before != set(network.state_dict())
    x = torch.rand(2, *SHAPE)
    torch.testing.assert_close(network(x), given(x))


@pytest.mark.parametrize(
    "change", [parametrizations.spectral_norm, parametrizations.orthogonal, spectral_norm]
)
def test_what_is_more_than_a_way_of_holding_weights_stays(
    change: Callable[[nn.Module], object],
) -> None:
    network = build_network(with_layer(change), 3, SHAPE, 0)
    assert set(network.state_dict()) != set(body(3, SHAPE).state_dict())
    assert not stackable(network)
    again = build_network(with_layer(change), 3, SHAPE, 1)
    load_weights(resize(again, module_sizes(network)), tensors_of(network))
    x = torch.rand(2, *SHAPE)
    torch.testing.assert_close(again.eval()(x), network.eval()(x))


class Answers(nn.Module):
    """A network that answers what `form` makes of its logits."""

    def __init__(self, form: Callable[[Tensor, bool], Any], outputs: int = 3) -> None:
        super().__init__()
        self.a, self.fc, self.form = nn.Linear(16, 8), nn.Linear(8, outputs), form

    def forward(self, x: Tensor) -> Any:
        return self.form(self.fc(self.a(x.flatten(1)).tanh()), self.training)


FORMS: dict[str, Callable[[Tensor, bool], Any]] = {
    "tuple": lambda logits, _: (logits, logits * 2, "features"),
    "features first": lambda logits, _: (logits[:, :2], logits),
    "dictionary": lambda logits, _: {"loss": logits * 2, "logits": logits},
    "out": lambda logits, _: {"aux": logits * 2, "out": logits},
    "one entry": lambda logits, _: {"y": logits},
    "map": lambda logits, _: logits[:, :, None, None],
    "squeezed": lambda logits, _: logits[:, :, None, None].squeeze(),
    "auxiliary": lambda logits, training: (logits, logits * 2) if training else logits,
    "auxiliary list": lambda logits, training: [logits, logits * 2] if training else logits,
}


@pytest.mark.parametrize("form", FORMS)
def test_logits_are_picked_from_what_a_network_answers(form: str) -> None:
    given = Answers(FORMS[form])
    network, x = build_network(given, 3, SHAPE, 0), torch.rand(5, *SHAPE)
    expected = given.fc(given.a(x.flatten(1)).tanh())
    groups = find_groups(network, SHAPE)
    small = shrink(network, groups, {**full_masks(groups), "a": torch.arange(8) < 3})
    for training in (False, True):
        network.train(training), small.train(training)
        torch.testing.assert_close(network(x), expected)
        torch.testing.assert_close(network(x[:1]), expected[:1])
        assert small(x).shape == (5, 3)
    assert tensors_of(network).keys() == tensors_of(given).keys()


@pytest.mark.parametrize("squeezed", [False, True])
def test_one_logit_is_that_of_the_second_of_two_classes(squeezed: bool) -> None:
    given = Answers(lambda z, _: z.squeeze() if squeezed else z, outputs=1)
    network, x = build_network(given, 2, SHAPE, 0), torch.rand(5, *SHAPE)
    for part in (x, x[:1]):
        z = given.fc(given.a(part.flatten(1)).tanh())
        torch.testing.assert_close(network(part).softmax(-1)[:, 1:], z.sigmoid())
    assert not stackable(build_network(nn.Sequential(nn.Flatten(), nn.Linear(16, 1)), 2, SHAPE, 0))


@pytest.mark.parametrize(
    ("form", "says"),
    [
        (lambda logits, _: "nothing", "returns str; expected one tensor, the logits, or a tuple"),
        (lambda logits, _: {}, "returns dict; expected"),
        (lambda logits, _: logits[:, :, None].expand(-1, -1, 4), r"outputs of shape \(3, 4\)"),
        (lambda logits, _: logits[:, :2], r"outputs of shape \(2,\) per sample; expected \(3,\)"),
        (lambda logits, _: logits[:, :1], r"outputs of shape \(1,\) per sample; expected \(3,\)"),
        (lambda logits, _: (logits[:, :1], logits[:, :2]), r"outputs of shape \(1,\) per sample"),
    ],
)
def test_what_holds_no_logits_is_refused_in_a_line(form: Any, says: str) -> None:
    with pytest.raises(RequestError, match=says) as caught:
        build_network(Answers(form), 3, SHAPE, 0)
    assert "\n" not in str(caught.value) and "'Answers'" in str(caught.value)


def test_a_plain_network_gets_no_hook() -> None:
    assert not build_network(body, 3, SHAPE, 0)._forward_hooks
    assert stackable(build_network(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), 3, SHAPE, 0))


class Squared(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).square()


class Backwards(nn.Sequential):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.flip(-1))


@pytest.mark.parametrize("network", [
    nn.Sequential(nn.Flatten(), Squared(16, 8), nn.Linear(8, 3)),
    Backwards(nn.Flatten(), nn.Linear(16, 8), nn.Linear(8, 3)),
])  # fmt: skip
def test_kinds_of_layers_with_an_arithmetic_of_their_own_are_no_plain_mlp(
    network: nn.Module,
) -> None:
    assert not stackable(network)


class MadeOnFirstCall(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(16, 8)

    def forward(self, x: Tensor) -> Tensor:
        x = self.a(x.flatten(1))
        if not hasattr(self, "fc"):
            self.fc = nn.Linear(x.shape[1], 3)
        return self.fc(x)  # type: ignore[no-any-return]


class ManyDraws(nn.Module):
    """Weights from NumPy, an order from Python, a matrix from torch that no state dict holds."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(16, 3)
        self.fc.weight.data = torch.tensor(np.random.rand(3, 16)).float()  # noqa: NPY002
        self.order = torch.tensor(random.sample(range(16), 16))
        self.B = torch.randn(16, 16)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.flatten(1)[:, self.order] @ self.B)  # type: ignore[no-any-return]


@pytest.mark.parametrize("make", [MadeOnFirstCall, ManyDraws, lazy])
def test_the_seed_decides_whatever_a_users_code_draws(make: Callable[..., nn.Module]) -> None:
    random.seed(3), np.random.seed(3)  # noqa: NPY002
    expected = random.random(), np.random.random()  # noqa: NPY002
    random.seed(3), np.random.seed(3)  # noqa: NPY002
    x = torch.rand(4, *SHAPE)
    one, again, other = (build_network(make, 3, SHAPE, seed)(x) for seed in (1, 1, 2))
    assert torch.equal(one, again) and not torch.equal(one, other)
    assert (random.random(), np.random.random()) == expected  # noqa: NPY002


class ExtraState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc, self.version = nn.Linear(16, 3), 2

    def get_extra_state(self) -> dict[str, int]:
        return {"version": self.version}

    def set_extra_state(self, state: dict[str, int]) -> None:
        self.version = state["version"]

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(x.flatten(1))  # type: ignore[no-any-return]


def test_a_value_that_is_no_tensor_is_the_networks_own() -> None:
    one, other = ExtraState(), ExtraState()
    other.version = 3
    assert set(tensors_of(one)) == {"fc.weight", "fc.bias"}
    load_weights(other, tensors_of(one))
    assert torch.equal(other.fc.weight, one.fc.weight) and other.version == 3


def test_a_network_that_fails_says_in_which_layer() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Sequential(nn.ReLU(), nn.Linear(5, 3)))
    with pytest.raises(RequestError, match=r"cannot read .* \(in layer '1\.1'\): RuntimeError"):
        build_network(network, 3, SHAPE, 0)
    assert not any(module._forward_hooks for module in network.modules())


def test_picking_logits_of_another_batch_by_hand() -> None:
    pick = PickLogits("net", 2)
    x = torch.zeros(3, 5)
    assert pick(None, (x,), torch.tensor([1.0, 2.0, 3.0])).tolist() == [[0, 1], [0, 2], [0, 3]]
    assert pick(None, (x[:1],), torch.tensor([1.0, 2.0])).tolist() == [[1, 2]]
    assert pick(None, (x[:1],), torch.tensor(4.0)).tolist() == [[0, 4]]
