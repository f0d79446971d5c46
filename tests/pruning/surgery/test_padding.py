from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.networks.architecture import build_network
from pruning.surgery.padding import pad, unpadded

SHAPE = (3, 32, 32)
ARCHS = ("conv-c:5-9-8-3-7", "resnet20:3-5-9", "resnet18-bn:3-9-4-5", "vgg16-bn:3-5-4-9-2")


def _eights(width: int) -> int:
    return -(-width // 8) * 8


def _pair(arch: str) -> tuple[nn.Module, nn.Module]:
    network = build_network(arch, 4, SHAPE, 0)
    return network, pad([network], SHAPE, _eights, alike=False)[0]


def _trained(network: nn.Module, steps: int = 5) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    network.train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2, weight_decay=0.1)
    for _ in range(steps):
        x = torch.rand(6, *SHAPE, generator=generator)
        loss = F.cross_entropy(network(x), torch.randint(0, 4, (6,), generator=generator))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.state_dict()


def _rest(padded: Tensor, like: Tensor) -> Tensor:
    rest = padded.clone()
    rest[tuple(slice(n) for n in like.shape)] = 0
    return rest


@pytest.mark.parametrize("arch", ARCHS)
def test_padded_widths_are_multiples_and_the_function_is_the_same(arch: str) -> None:
    network, wider = _pair(arch)
    convolutions = [m for m in wider.modules() if isinstance(m, nn.Conv2d)]
    assert {m.out_channels % 8 for m in convolutions} == {0}
    x = torch.rand(3, *SHAPE)
    for one in (network, wider):
        one.eval()
    torch.testing.assert_close(wider(x), network(x), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("arch", ARCHS)
def test_what_is_added_stays_zero_through_training(arch: str) -> None:
    network, wider = _pair(arch)
    expected, found = _trained(network), _trained(wider)
    moving = {name for name, _ in wider.named_buffers()}
    for key, value in found.items():
        if key not in moving:
            assert not _rest(value, expected[key]).any()
    for key, value in unpadded(found, expected).items():
        assert value.shape == expected[key].shape
        # Sums over zeros may be taken in another order, and Adam divides by what is tiny.
        assert float((value - expected[key]).float().abs().mean()) < 2e-3


def test_networks_are_left_as_they_are_and_what_comes_back_is_theirs() -> None:
    network = build_network("conv-c:5-9-8-3-7", 4, SHAPE, 0)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    (wider,) = pad([network], SHAPE, _eights, alike=False)
    back = unpadded(wider.state_dict(), before)
    for key, value in before.items():
        assert torch.equal(value, network.state_dict()[key])
        assert torch.equal(value, back[key])


def test_members_may_be_brought_to_the_widths_of_the_widest() -> None:
    networks = [build_network(f"conv-c:{a}-{b}-4-4-4", 4, SHAPE, 0) for a, b in ((5, 20), (17, 3))]
    own, alike = (pad(networks, SHAPE, _eights, alike=which) for which in (False, True))

    def widths(network: nn.Module) -> list[int]:
        return [m.out_channels for m in network.modules() if isinstance(m, nn.Conv2d)]

    assert [widths(n) for n in own] == [[8, 24, 8, 8], [24, 8, 8, 8]]
    assert [widths(n) for n in alike] == [[24, 24, 8, 8]] * 2


class _Sigmoids(nn.Module):
    """Its units make one half of nothing: what reads an added unit would learn from it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 5), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.second(torch.sigmoid(self.first(x)))
        return out


class _Joined(nn.Module):
    """Two branches read as one: what is added to the first would push the second along."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 5, 3), nn.Conv2d(3, 6, 3)
        self.out = nn.Linear(11, 3)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([self.left(x), self.right(x)], 1).relu().mean((2, 3))
        out: Tensor = self.out(both)
        return out


@pytest.mark.parametrize(("network", "shape"), [(_Sigmoids(), (4,)), (_Joined(), (3, 8, 8))])
def test_what_would_not_stay_zero_is_not_padded(network: nn.Module, shape: tuple[int, ...]) -> None:
    (same,) = pad([network], shape, _eights, alike=False)
    for key, value in network.state_dict().items():
        assert torch.equal(value, same.state_dict()[key])


def test_a_network_with_hooks_is_not_padded_and_keeps_them() -> None:
    network = build_network("conv-b:5-5", 3, (1, 4, 4), 0)
    network.register_forward_hook(lambda *_: None)
    (same,) = pad([network], (1, 4, 4), _eights, alike=False)
    assert [p.shape for p in same.parameters()] == [p.shape for p in network.parameters()]
    assert same._forward_hooks
