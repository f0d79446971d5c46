"""What every importance score must hold; those built in, against plain computations too."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.core.errors import RequestError
from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling
from pruning.samples.stored import StoredSamples
from pruning.scores.score import SCORES
from pruning.scores.sweep import importances
from pruning.surgery import find_groups, full_masks, shrink
from pruning.surgery.groups import PrunedNetwork

SHAPE = (2, 6, 6)
COUNT = 23


class Normed(nn.Module):
    """A residual network in which one activation has no module and one is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(2, 5, 3, padding=1), nn.BatchNorm2d(5)
        self.conv2, self.norm2 = nn.Conv2d(5, 5, 3, padding=1), nn.BatchNorm2d(5)
        self.relu = nn.ReLU(inplace=True)
        self.fc, self.norm3 = nn.Linear(5 * 9, 7), nn.BatchNorm1d(7)
        self.output = nn.Linear(7, 3)

    def values(self, x: Tensor) -> dict[str, Tensor]:
        """Every producer's value after norm and activation, and the logits."""
        found = {"conv1": F.relu(self.norm1(self.conv1(x)))}
        found["conv2"] = self.norm2(self.conv2(found["conv1"]))
        summed = F.max_pool2d(F.relu(found["conv2"] + found["conv1"]), 2)
        found["fc"] = F.relu(self.norm3(self.fc(summed.flatten(1))))
        found["logits"] = self.output(found["fc"])
        return found

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.norm1(self.conv1(x)))
        y = F.max_pool2d(self.relu(self.norm2(self.conv2(y)) + y), 2)
        return self.output(F.relu(self.norm3(self.fc(y.flatten(1)))))  # type: ignore[no-any-return]


@pytest.fixture
def network() -> Normed:
    generator = torch.Generator().manual_seed(1)
    network = Normed()
    for tensor in network.state_dict().values():
        if tensor.is_floating_point():
            tensor.normal_(0.1, 0.5, generator=generator).abs_() if tensor.ndim == 1 else (
                tensor.normal_(0, 0.4, generator=generator)
            )
    return network.eval()


@pytest.fixture
def images() -> Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (COUNT, *SHAPE), generator=generator, dtype=torch.uint8)


@pytest.fixture
def labels() -> Tensor:
    return torch.arange(COUNT) % 3


def _scored(name: str, network: nn.Module, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    groups = find_groups(network, SHAPE)
    masks = {g.name: torch.arange(g.size) != 1 for g in groups}
    small = shrink(network, groups, masks).eval()
    before = {key: value.clone() for key, value in small.state_dict().items()}
    generator = torch.Generator().manual_seed(3)
    found = importances(
        PrunedNetwork(small, groups, masks), SCORES[name],
        StoredSamples(images, Scaling(), labels), generator=generator, batch_size=10,
    )  # fmt: skip
    assert all(torch.equal(before[key], value) for key, value in small.state_dict().items())
    assert all(p.grad is None for p in small.parameters())
    assert not any(module._forward_hooks for module in small.modules())
    return found


@pytest.mark.parametrize("name", list(SCORES))
def test_every_score_is_finite_whole_and_the_same_again(
    name: str, network: Normed, images: Tensor, labels: Tensor
) -> None:
    found = _scored(name, network, images, labels)
    assert {key: value.shape for key, value in found.items()} == {"conv1": (5,), "fc": (7,)}
    for value in found.values():
        assert value.dtype == torch.float64
        assert value.isfinite().all()
        assert value[1] == 0, "the unit that is gone"
        assert len(value.unique()) > 2, "units differ"
    again = _scored(name, network, images, labels)
    assert all(torch.equal(found[key], again[key]) for key in found)


def _mean_abs(value: Tensor) -> Tensor:
    return value.abs().flatten(2).mean((0, 2)) if value.ndim > 2 else value.abs().mean(0)


def _alive(value: Tensor) -> Tensor:
    flat = value.flatten(2) if value.ndim > 2 else value.unsqueeze(2)
    return (flat != 0).double().mean((0, 2))


def _variance(value: Tensor) -> Tensor:
    return value.movedim(1, 0).flatten(1).var(1, correction=0)


OBSERVED: dict[str, Callable[[Tensor], Tensor]] = {
    "minimum": _mean_abs,
    "maximum": lambda value: -_mean_abs(value),
    "apoz": _alive,
    "variance": _variance,
}


def _distances(weight: Tensor) -> Tensor:
    flat = weight.flatten(1)
    return torch.cdist(flat, flat, compute_mode="donot_use_mm_for_euclid_dist").sum(1)


WEIGHED: dict[str, Callable[[Tensor], Tensor]] = {
    "l1": lambda weight: weight.abs().flatten(1).sum(1),
    "l2": lambda weight: torch.linalg.vector_norm(weight.flatten(1), dim=1),
    "fpgm": _distances,
}


def _cut(network: Normed) -> Normed:
    groups = find_groups(network, SHAPE)
    small = shrink(network, groups, {g.name: torch.arange(g.size) != 1 for g in groups})
    assert isinstance(small, Normed)
    return small.double().eval()


def _expected(name: str, network: Normed, images: Tensor, labels: Tensor) -> dict[str, Tensor]:
    small = _cut(network)
    values = small.values(images.double() / 255)
    if name in OBSERVED:
        return {key: OBSERVED[name](value) for key, value in values.items()}
    if name in WEIGHED:
        return {key: WEIGHED[name](getattr(small, key).weight) for key in ("conv1", "conv2", "fc")}
    if name == "bn_scale":
        norms = {"conv1": small.norm1, "conv2": small.norm2, "fc": small.norm3}
        return {key: norm.weight.abs() for key, norm in norms.items()}
    return {key: _taylor(small, key, images, labels) for key in ("conv1", "conv2", "fc")}


def _taylor(small: Normed, key: str, images: Tensor, labels: Tensor) -> Tensor:
    """One sample at a time: |mean over positions of value × gradient|."""
    total = torch.zeros(())
    for image, label in zip(images.double() / 255, labels, strict=True):
        values = small.values(image.unsqueeze(0))
        loss = F.cross_entropy(values["logits"], label.unsqueeze(0))
        (gradient,) = torch.autograd.grad(loss, values[key])
        product = values[key] * gradient
        product = product.flatten(2).mean(2) if product.ndim > 2 else product
        total = total + product.abs()[0]
    return total / len(images)


@pytest.mark.parametrize("name", [*OBSERVED, *WEIGHED, "bn_scale", "taylor"])
def test_a_score_is_what_a_plain_computation_gives(
    name: str, network: Normed, images: Tensor, labels: Tensor
) -> None:
    """The residual sum couples conv1 and conv2: their mean counts."""
    found = _scored(name, network, images, labels)
    plain = _expected(name, network, images, labels)
    coupled = (plain["conv1"] + plain["conv2"]) / 2
    keep, dense = torch.arange(5) != 1, torch.arange(7) != 1
    torch.testing.assert_close(found["conv1"][keep], coupled.detach(), rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found["fc"][dense], plain["fc"].detach(), rtol=1e-4, atol=1e-6)


def test_batch_norm_scale_needs_a_batch_norm() -> None:
    network = build_network("mlp-a:3-3", 2, (4,), 0)
    groups = find_groups(network, (4,))
    masks = {g.name: torch.ones(g.size, dtype=torch.bool) for g in groups}
    with pytest.raises(RequestError, match="'bn_scale' needs a batch norm right after layer 'fc1'"):
        importances(
            PrunedNetwork(network, groups, masks), SCORES["bn_scale"],
            StoredSamples(torch.rand(5, 4), Scaling()), generator=torch.Generator(),
        )  # fmt: skip


class HalfNormed(nn.Module):
    """Six units, three of them made by `left`, three by `right`, all by `both`."""

    def __init__(self, *, right: bool) -> None:
        super().__init__()
        self.left, self.right, self.both = nn.Linear(4, 3), nn.Linear(4, 3), nn.Linear(4, 6)
        self.norm = nn.BatchNorm1d(3)
        self.other = nn.BatchNorm1d(3) if right else nn.Identity()
        self.output = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        beside = torch.cat([self.norm(self.left(x)), self.other(self.right(x))], 1)
        return self.output((beside + self.both(x)).relu())  # type: ignore[no-any-return]


def test_every_unit_needs_a_batch_norm_of_its_own() -> None:
    samples = StoredSamples(torch.rand(5, 4), Scaling())
    for right in (True, False):
        network = HalfNormed(right=right).eval()
        groups = find_groups(network, (4,))
        pruned = PrunedNetwork(network, groups, full_masks(groups))
        if right:
            found = importances(pruned, SCORES["bn_scale"], samples, generator=torch.Generator())
            assert (found[groups[0].name] == 1).all()
        else:
            with pytest.raises(RequestError, match=r"right after layer '(right|both)'"):
                importances(pruned, SCORES["bn_scale"], samples, generator=torch.Generator())


def test_taylor_needs_labels() -> None:
    network = build_network("mlp-a:3-3", 2, (4,), 0)
    groups = find_groups(network, (4,))
    with pytest.raises(ValueError, match="needs the samples' labels"):
        importances(
            PrunedNetwork(network, groups, {}), SCORES["taylor"],
            StoredSamples(torch.rand(5, 4), Scaling()), generator=torch.Generator(),
        )  # fmt: skip


ACTIVATION = torch.tensor([[[[1.0, -3.0]], [[0.0, 0.0]]], [[[0.0, 2.0]], [[0.0, 4.0]]]])
"""Two samples, two filters, two positions."""


@pytest.mark.parametrize(
    ("name", "published", "expected"),
    [
        ("minimum", False, [3.0, 2.0]),  # 2 + 1, 0 + 2
        ("minimum", True, [2.0, 2.0]),  # |-1| + |1|, 0 + 2
        ("maximum", True, [2.0, 2.0]),
        ("apoz", False, [1.5, 0.5]),  # shares 1 + ½, 0 + ½
        ("apoz", True, [2.0, 1.0]),  # images in which the filter lives
        ("random", True, None),
    ],
)
def test_scores_by_hand_in_both_readings(
    name: str, published: bool, expected: list[float] | None
) -> None:
    score = SCORES[name].as_published() if published else SCORES[name]
    if expected is None:
        assert score is SCORES[name]
        return
    assert score.observe(ACTIVATION).tolist() == expected
