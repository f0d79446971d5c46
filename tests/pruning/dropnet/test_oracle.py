from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.data.load import load_splits
from pruning.dropnet.oracle import oracle_drop, removal_losses
from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling
from pruning.samples.stored import StoredSamples
from pruning.surgery import UnitGroup, find_groups, full_masks, masked, remaining_groups, shrink
from pruning.surgery.groups import PrunedNetwork


def _naive(
    network: nn.Module, groups: tuple[UnitGroup, ...], masks: dict[str, Tensor],
    samples: StoredSamples, count: int,
) -> dict[str, Tensor]:  # fmt: skip
    """The published loop: mask each remaining unit of the full network, a full pass each."""
    network = network.double().eval()
    masks = {name: mask.clone() for name, mask in masks.items()}
    inputs = samples.scaling(samples.images).double()
    for _ in range(count):
        found = []
        for group in groups:
            for unit in masks[group.name].nonzero().flatten().tolist():
                if masks[group.name].sum() == 1:
                    continue
                trial = {name: mask.clone() for name, mask in masks.items()}
                trial[group.name][unit] = False
                with masked(network, groups, trial), torch.inference_mode():
                    loss = float(F.cross_entropy(network(inputs), samples.labels))
                found.append((loss, group.name, unit))
        _, name, unit = min(found)
        masks[name][unit] = False
    return masks


def _samples(shape: tuple[int, ...], count: int = 40) -> StoredSamples:
    generator = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, *shape), generator=generator, dtype=torch.uint8)
    return StoredSamples(images, Scaling(), torch.arange(count) % 3)


def test_the_oracle_picks_what_the_naive_loop_picks_on_fc20_fc20() -> None:
    splits = load_splits("digits").splits
    network = build_network("mlp-a:20-20", 10, splits.input_shape, 0)
    groups = find_groups(network, splits.input_shape)
    samples = StoredSamples(
        torch.tensor(splits.train.images[:300]), splits.scaling,
        torch.tensor(splits.train.labels[:300]),
    )  # fmt: skip
    masks = full_masks(groups)
    fast = oracle_drop(PrunedNetwork(network, groups, masks), samples, 12, batch_size=128)
    slow = _naive(network, groups, masks, samples, 12)
    assert sum(int(mask.sum()) for mask in fast.values()) == 28
    assert all(torch.equal(fast[name], slow[name]) for name in masks)


@pytest.mark.parametrize(
    ("arch", "shape"),
    [("conv-b:4-5", (1, 8, 8)), ("lenet:3-4-6", (1, 16, 16)), ("resnet20:2-3-4", (1, 8, 8))],
)
def test_losses_without_a_unit_are_those_of_the_network_without_it(
    arch: str, shape: tuple[int, ...]
) -> None:
    """Shared activations where the network is a sequence, a pass each where it is not."""
    network = build_network(arch, 3, shape, 0)
    groups = find_groups(network, shape)
    masks = {g.name: torch.arange(g.size) != 0 for g in groups}
    small = shrink(network, groups, masks).double().eval()
    own = remaining_groups(groups, masks)
    samples = _samples(shape, 20)
    found = removal_losses(small, own, samples, batch_size=7)
    inputs = samples.scaling(samples.images).double()
    for group in own:
        if group.size == 1:
            continue
        for unit in range(group.size):
            trial = full_masks(own)
            trial[group.name][unit] = False
            with masked(small, own, trial), torch.inference_mode():
                loss = F.cross_entropy(small(inputs), samples.labels)
            assert float(found[group.name][unit]) == pytest.approx(float(loss), rel=1e-9)


class Doubled(nn.Sequential):
    """A kind of sequence that does something of its own first."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x * 2)  # type: ignore[no-any-return]


def _layers() -> tuple[nn.Module, ...]:
    return nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 3)


def _with_hook(at: int | None) -> nn.Module:
    network = nn.Sequential(*_layers())
    hooked = network if at is None else network[at]
    hooked.register_forward_hook(lambda _module, _inputs, output: output**2)
    return network


LIKE_SEQUENCES = {
    "two classes, one logit": lambda: build_network(
        nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 1)), 2, (1, 4, 4), 0
    ),
    "its own forward": lambda: Doubled(*_layers()),
    "a hook": lambda: _with_hook(None),
    "a hook of what reads": lambda: _with_hook(3),
    "a hook of what makes": lambda: _with_hook(1),
    "rows of tokens": lambda: nn.Sequential(
        nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 4), nn.Flatten(), nn.Linear(16, 3)
    ),
}


@pytest.mark.parametrize("make", LIKE_SEQUENCES.values(), ids=LIKE_SEQUENCES)
def test_what_only_looks_like_a_sequence_is_run_as_it_is(make: Callable[[], nn.Module]) -> None:
    network = make().double().eval()
    groups = find_groups(network, (1, 4, 4))
    samples = _samples((1, 4, 4), 20)
    samples = replace(samples, labels=samples.labels % 2)
    found = removal_losses(network, groups, samples)
    inputs = samples.scaling(samples.images).double()
    for group in groups:
        for unit in range(group.size):
            trial = full_masks(groups)
            trial[group.name][unit] = False
            with masked(network, groups, trial), torch.inference_mode():
                loss = F.cross_entropy(network(inputs), samples.labels)
            assert float(found[group.name][unit]) == pytest.approx(float(loss), rel=1e-9)


class Branches(nn.Module):
    """No sequence: activations cannot be shared. One layer reads channels of two groups."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(1, 4, 1), nn.Conv2d(1, 3, 1)
        self.joined, self.output = nn.Conv2d(7, 5, 3), nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        both = torch.cat([self.left(x), self.right(x)], 1).relu()
        return self.output(self.joined(both).relu().mean((2, 3)))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("arch", "first", "passes"),
    [
        ("mlp-a:6-5", "fc1", 3),
        ("conv-b:4-5", "conv1", 3),
        (Branches, "left", 3 * (4 + 3 + 5)),  # without each unit
    ],
)
def test_candidates_of_a_sequence_share_what_comes_before_them(
    arch: str | type[nn.Module], first: str, passes: int
) -> None:
    shape = (1, 8, 8)
    network = build_network(arch, 3, shape, 0) if isinstance(arch, str) else arch()
    network = network.double().eval()
    calls: list[object] = []
    network.get_submodule(first).register_forward_hook(lambda *_: calls.append(None))
    groups = find_groups(network, shape)
    calls.clear()
    removal_losses(network, groups, _samples(shape, 20), batch_size=7)  # three batches
    assert len(calls) == passes


def test_no_group_is_emptied() -> None:
    network = build_network("mlp-a:2-2", 3, (1, 2, 2), 0)
    groups = find_groups(network, (1, 2, 2))
    masks = oracle_drop(PrunedNetwork(network, groups, full_masks(groups)), _samples((1, 2, 2)), 9)
    assert [int(mask.sum()) for mask in masks.values()] == [1, 1]


@pytest.mark.parametrize("arch", ["resnet20:3-4-5", Branches])
def test_the_groups_that_remain_are_those_found_on_the_smaller_network(
    arch: str | type[nn.Module],
) -> None:
    shape = (1, 8, 8)
    network = build_network(arch, 3, shape, 0) if isinstance(arch, str) else arch()
    groups = find_groups(network, shape)
    masks = {g.name: torch.arange(g.size) != 1 for g in groups}
    small = shrink(network, groups, masks)
    for derived, found in zip(
        remaining_groups(groups, masks), find_groups(small, shape), strict=True
    ):
        assert (derived.name, derived.size) == (found.name, found.size)
        for a, b in zip(derived.slices, found.slices, strict=True):
            assert (a.module, a.side) == (b.module, b.side)
            assert torch.equal(a.owner, b.owner)
