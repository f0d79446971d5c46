from __future__ import annotations

import pytest
import torch
from pruning_support import random_masks
from torch import nn

from pruning.core.errors import RequestError
from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling
from pruning.samples.stored import StoredSamples
from pruning.scores.score import SCORES
from pruning.scores.sweep import importances, metric_names, parse_metric
from pruning.surgery import find_groups, shrink
from pruning.surgery.groups import PrunedNetwork

SHAPE = (1, 8, 8)


def _images(count: int = 37) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return torch.randint(0, 256, (count, *SHAPE), generator=generator, dtype=torch.uint8)


@pytest.mark.parametrize("arch", ["mlp-a:6-5", "conv-b:4-6"])
def test_minimum_is_the_mean_absolute_post_activation(arch: str) -> None:
    network = build_network(arch, 3, SHAPE, 0).eval()
    groups = find_groups(network, SHAPE)
    masks = random_masks(groups)
    small = shrink(network, groups, masks).eval()
    images = _images()
    found = importances(
        PrunedNetwork(small, groups, masks), SCORES["minimum"], StoredSamples(images, Scaling()),
        generator=torch.Generator(), batch_size=10,
    )  # fmt: skip
    x = images.double() / 255
    for name, layer in small.double().named_children():
        x = layer(x)
        if name.startswith("relu"):
            group = groups[int(name.removeprefix("relu")) - 1]
            expected = x.abs().flatten(2).mean(2) if x.ndim > 2 else x.abs()
            mask = masks[group.name]
            torch.testing.assert_close(
                found[group.name][mask], expected.mean(0), rtol=1e-5, atol=1e-6
            )
            assert not found[group.name][~mask].any()


class SideBySide(nn.Module):
    """a's three and b's four, side by side, and c's seven are summed: of a and b one each stays."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(64, 3), nn.Linear(64, 4), nn.Linear(64, 7)
        self.out = nn.Linear(7, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.flatten(1)
        joined = torch.cat([self.a(x), self.b(x)], 1)
        return self.out(torch.relu(joined + self.c(x)))


def test_a_channel_that_stays_counts_for_no_unit() -> None:
    network = SideBySide().eval()
    (group,) = find_groups(network, SHAPE)
    masks = {group.name: torch.tensor([True, True, False, True, True])}
    small = shrink(network, (group,), masks).eval()
    images = _images()
    found = importances(
        PrunedNetwork(small, (group,), masks), SCORES["minimum"], StoredSamples(images, Scaling()),
        generator=torch.Generator(),
    )[group.name]  # fmt: skip
    x = images.flatten(1).float() / 255
    seen: dict[int, list[torch.Tensor]] = {}
    for producer in ("a", "b", "c"):
        layer = network.get_submodule(producer)
        means = layer(x).abs().mean(0).detach()
        for unit, mean in zip(group.owner(producer, "out").tolist(), means, strict=True):
            seen.setdefault(unit, []).append(mean)
    assert len(seen.pop(-1)) == 4
    for unit, own in seen.items():
        expected = torch.stack(own).mean() if masks[group.name][unit] else torch.zeros(())
        torch.testing.assert_close(found[unit].float(), expected)


def test_maximum_is_the_opposite_order() -> None:
    network = build_network("mlp-a:6-5", 3, SHAPE, 0).eval()
    groups = find_groups(network, SHAPE)
    masks = {g.name: torch.ones(g.size, dtype=torch.bool) for g in groups}
    low, high = (
        importances(
            PrunedNetwork(network, groups, masks),
            SCORES[name],
            StoredSamples(_images(), Scaling()),
            generator=torch.Generator(),
        )
        for name in ("minimum", "maximum")
    )
    assert all(torch.equal(low[name], -high[name]) for name in masks)


def test_random_depends_on_the_generator_alone() -> None:
    network = build_network("mlp-a:6-5", 3, SHAPE, 0).eval()
    groups = find_groups(network, SHAPE)
    masks = {g.name: torch.ones(g.size, dtype=torch.bool) for g in groups}

    def draw(seed: int, count: int) -> torch.Tensor:
        found = importances(
            PrunedNetwork(network, groups, masks), SCORES["random"],
            StoredSamples(_images(count), Scaling()), generator=torch.Generator().manual_seed(seed),
        )  # fmt: skip
        return torch.cat(list(found.values()))

    assert torch.equal(draw(1, 3), draw(1, 9))
    assert not torch.equal(draw(1, 3), draw(2, 3))


def test_a_metric_is_a_score_with_or_without_layer() -> None:
    assert {"minimum", "minimum_layer", "random_layer"} <= set(metric_names())
    assert parse_metric("maximum_layer") == (SCORES["maximum"], True)
    with pytest.raises(RequestError, match="unknown metric 'minimum_layers'; did you mean"):
        parse_metric("minimum_layers")
