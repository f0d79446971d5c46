from __future__ import annotations

import pytest
import torch
from torch import nn

from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling
from pruning.samples.stored import StoredSamples
from pruning.scores.score import SCORES
from pruning.scores.stacked_sweep import can_sweep_together, sweep_together
from pruning.scores.sweep import importances
from pruning.surgery import find_groups, shrink
from pruning.surgery.groups import PrunedNetwork

SHAPE = (1, 4, 4)
IMAGES = torch.randint(0, 256, (37, *SHAPE), generator=torch.Generator().manual_seed(5)).byte()
FULL = build_network("mlp-a:6-5", 3, SHAPE, 0)
GROUPS = find_groups(FULL, SHAPE)
MASKS = [
    {"fc1": torch.tensor(first).bool(), "fc2": torch.tensor(second).bool()}
    for first, second in (
        ([1, 1, 1, 1, 1, 1], [1, 1, 1, 1, 1]),
        ([0, 1, 1, 0, 0, 1], [1, 0, 0, 1, 0]),
        ([0, 0, 0, 0, 0, 1], [1, 1, 1, 1, 0]),
    )
]
WATCHING = [n for n in SCORES if SCORES[n].needs_sweep and not SCORES[n].needs_gradient]


def _networks() -> list[nn.Module]:
    return [
        shrink(build_network("mlp-a:6-5", 3, SHAPE, seed), GROUPS, masks)
        for seed, masks in enumerate(MASKS)
    ]


@pytest.mark.parametrize("name", WATCHING)
@pytest.mark.parametrize("published", [False, True])
def test_networks_swept_together_score_as_each_alone(name: str, published: bool) -> None:
    score = SCORES[name].as_published() if published else SCORES[name]
    networks = _networks()
    assert can_sweep_together(networks, GROUPS, score)
    samples = StoredSamples(IMAGES, Scaling())
    together = sweep_together(networks, GROUPS, score, samples)
    for network, masks, means in zip(networks, MASKS, together, strict=True):
        alone, shared = (
            importances(
                PrunedNetwork(network, GROUPS, masks), score, samples,
                generator=torch.Generator(), means=given,
            )
            for given in (None, means)
        )  # fmt: skip
        for group in alone:
            torch.testing.assert_close(shared[group], alone[group], rtol=1e-5, atol=1e-6)


def test_what_looks_at_gradients_or_at_weights_is_not_swept_together() -> None:
    assert not can_sweep_together(_networks(), GROUPS, SCORES["taylor"])
    assert not can_sweep_together(_networks(), GROUPS, SCORES["l1"])
    assert not can_sweep_together([nn.Conv2d(1, 1, 1)], (), SCORES["minimum"])
