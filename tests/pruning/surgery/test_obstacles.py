"""What cannot be pruned is named, the rest is pruned, and nothing is half-pruned."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.core.errors import RequestError
from pruning.surgery import analyse, find_groups


class Net(nn.Module):
    """conv, a middle that a test chooses, conv, head."""

    def __init__(self, middle: nn.Module, width: int = 8) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1)
        self.middle = middle
        self.second = nn.Conv2d(width, 6, 3, padding=1)
        self.head = nn.Linear(6, 4)

    def forward(self, x: Tensor) -> Tensor:
        x = self.second(self.middle(self.first(x).relu()))
        return self.head(x.relu().mean((2, 3)))


class Reads(nn.Module):
    """A middle that is one function."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


OBSTACLES = {
    "group_norm": (nn.GroupNorm(2, 8), "group_norm", "middle"),
    "layer_norm": (nn.LayerNorm([8, 6, 6]), "layer_norm", "middle"),
    "instance_norm": (nn.InstanceNorm2d(8, affine=True), "instance_norm", "middle"),
    "transposed": (nn.ConvTranspose2d(8, 8, 1), "conv_transpose2d", "middle"),
    "softmax over channels": (nn.Softmax(1), "softmax", "middle"),
    "mean over channels": (Reads(lambda x: x - x.mean(1, keepdim=True)), "mean", "middle"),
    "unequal split": (Reads(lambda x: torch.cat(x.split([3, 5], 1)[::-1], 1)), "split", "middle"),
    "one channel": (Reads(lambda x: x * x[:, :1]), "slice", "middle"),
    "sorted": (Reads(lambda x: x.sort(1).values), "sort", "middle"),
    "constant per channel": (Reads(lambda x: x + torch.ones(8, 1, 1, dtype=x.dtype)), "add",
                             "middle"),
    "size in the code": (Reads(lambda x: x.view(-1, 8, 6, 6)), "a size fixed in the code", ""),
    "weights from elsewhere": (nn.utils.parametrizations.weight_norm(nn.Conv2d(8, 8, 1)),
                               "conv2d", "middle"),
}  # fmt: skip


@pytest.mark.parametrize("name", OBSTACLES)
def test_an_obstacle_is_named_and_the_rest_pruned(
    name: str, assert_surgery_holds: Callable[..., object]
) -> None:
    middle, operation, where = OBSTACLES[name]
    analysis = analyse(Net(middle).eval(), (3, 6, 6))
    assert [group.name for group in analysis.groups] == ["second"]
    refused = {refusal.layer: refusal for refusal in analysis.refusals}
    assert refused["first"].operation.startswith(operation)
    assert (refused["first"].where, refused["first"].channels) == (where, 8)
    assert "first: 8 channels stay because of" in str(refused["first"])


def test_a_network_with_an_obstacle_is_pruned_exactly(
    assert_surgery_holds: Callable[..., object],
) -> None:
    assert_surgery_holds(lambda: Net(nn.GroupNorm(2, 8)), (3, 6, 6))


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 1)
        self.twice = nn.Conv2d(8, 8, 3, padding=1)
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.twice(F.relu(self.twice(F.relu(self.stem(x)))))
        return self.head(x.mean((2, 3)))


class Tied(Net):
    def __init__(self) -> None:
        super().__init__(nn.Conv2d(8, 8, 1))
        self.other = nn.Conv2d(8, 8, 1)
        self.other.weight = self.middle.weight  # type: ignore[assignment]


class Deciding(Net):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x if x.mean() > 0 else -x)


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.front = nn.Linear(5, 6)
        self.memory = nn.LSTM(6, 4, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.memory(self.front(x).relu())[0][:, -1])


@pytest.mark.parametrize(
    ("factory", "shape", "says"),
    [
        (Shared, (3, 6, 6), r"layer 'twice' is used in two places"),
        (Tied, (3, 6, 6), r"layers 'middle' and 'other' share a parameter"),
        (
            lambda: Deciding(nn.Identity()),
            (3, 6, 6),
            r"'Deciding' depends on the values of its input",
        ),
        (Recurrent, (7, 5), r"front: 6 channels stay because of lstm in memory"),
        (lambda: Net(nn.Identity()), (1, 6, 6), r"on an input of shape \(1, 6, 6\).*'first'"),
        (
            lambda: nn.Sequential(nn.Flatten(), nn.Linear(4, 2)),
            (1, 2, 2),
            "no layer that can be pruned",
        ),
        (nn.ReLU, (3,), "no layer that can be pruned"),
    ],
)
def test_an_impossible_network_is_refused_in_one_line(
    factory: Callable[[], nn.Module], shape: tuple[int, ...], says: str
) -> None:
    network = factory()
    before = {name: (module.training, type(module)) for name, module in network.named_modules()}
    with pytest.raises(RequestError, match=says) as error:
        find_groups(network, shape)
    assert "\n" not in str(error.value)
    assert before == {n: (m.training, type(m)) for n, m in network.named_modules()}


def test_layers_kept_whole_are_left_alone() -> None:
    network = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 2))
    network.kept_whole = ("2",)  # type: ignore[assignment]
    analysis = analyse(network, (4,))
    assert [group.name for group in analysis.groups] == ["0"]
    assert analysis.refusals == ()


def test_a_value_is_tapped_after_its_own_norm_and_activation() -> None:
    class Functional(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 4)
            self.norm, self.act, self.out = nn.BatchNorm1d(4), nn.Tanh(), nn.Linear(4, 2)

        def forward(self, x: Tensor) -> Tensor:
            x = self.act(self.a(x))
            x = x + self.act(F.relu(self.norm(self.b(x))))
            return self.out(torch.sigmoid(F.leaky_relu(self.c(x), 0.2, inplace=True)))

    network = Functional().eval()
    taps = {
        producer: tap
        for group in find_groups(network, (3,))
        for producer, tap in zip(group.producers, group.taps, strict=True)
    }
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        a = network.a(x)
        b = network.norm(network.b(a.tanh()))
        c = network.c(a.tanh() + b.relu().tanh())
        before = c.clone()
        assert [taps[name].module for name in "abc"] == ["a", "norm", "c"]
        assert torch.equal(taps["a"](a), a.tanh())
        assert torch.equal(taps["b"](b), b.relu().tanh())
        assert torch.equal(taps["c"](c), F.leaky_relu(before, 0.2).sigmoid())
        assert torch.equal(c, before), "who looks at a value leaves it as it is"
    assert taps["b"].norm == "norm"
