"""What a score sees of several plain MLPs, in one sweep over the data instead of one each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pruning.inference.stackable import stackable
from pruning.inference.stacked_layers import Layers
from pruning.samples.scaling import Scaling
from pruning.scores.score import Score
from pruning.scores.sweep import Means
from pruning.surgery import UnitGroup


def can_sweep_together(
    networks: Sequence[nn.Module], groups: Sequence[UnitGroup], score: Score
) -> bool:
    """Whether these plain MLPs can share a sweep: the score watches plain activations."""
    return (
        score.needs_sweep
        and not score.needs_gradient
        and all(stackable(network) for network in networks)
        and all(tap.axis == 1 and not tap.steps for group in groups for tap in group.taps)
    )


@torch.inference_mode()
def sweep_together(
    networks: Sequence[nn.Module],
    groups: Sequence[UnitGroup],
    score: Score,
    images: Tensor,
    scaling: Scaling,
) -> list[Means]:
    """Return what the score sees of each network, as a sweep of that network alone would.

    Parameters
    ----------
    networks
        As `can_sweep_together` allows, on the images' device.
    groups
        At full width.
    score
        From the registry.
    images
        (N, C, H, W) uint8 or (N, F) float32 training samples.
    scaling
        Makes network input of them.
    """
    layers = Layers.of(networks)
    flat = layers.gathered(networks, images.device)
    watched = {name for group in groups for name in group.producers}
    totals: list[dict[str, Tensor]] = [{} for _ in networks]
    for start in range(0, len(images), layers.samples_at_once):
        samples = scaling(images[start : start + layers.samples_at_once]).flatten(1)
        for i, value in enumerate(layers.activations(flat, samples)):
            name = layers.names[i]
            if name not in watched:
                continue
            for row, seen in enumerate(totals):
                sums = score.observe(value[row, : layers.sizes[row][i][0]].t())
                seen[name] = seen[name] + sums if name in seen else sums
    return [{name: total / len(images) for name, total in seen.items()} for seen in totals]
