"""What a score observes of several plain MLPs, in one sweep over the data instead of one each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pruning.inference.stackable import stackable
from pruning.inference.stacked_layers import Layers
from pruning.samples.stored import StoredSamples
from pruning.scores.score import Score
from pruning.scores.sweep import Means
from pruning.surgery import UnitGroup


def can_sweep_together(
    networks: Sequence[nn.Module], groups: Sequence[UnitGroup], score: Score
) -> bool:
    """Whether these networks can share a sweep: plain MLPs, a score of their activations."""
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
    samples: StoredSamples,
) -> list[Means]:
    """Return what the score observes of each network, as a sweep of that network alone would.

    Parameters
    ----------
    networks
        As `can_sweep_together` allows, on the samples' device.
    groups
        At full width.
    score
        From the registry.
    samples
        Training samples.
    """
    layers = Layers.of(networks)
    flat = layers.gathered(networks, samples.images.device)
    producers = {name for group in groups for name in group.producers}
    totals: list[dict[str, Tensor]] = [{} for _ in networks]
    for start in range(0, len(samples), layers.samples_at_once):
        inputs = samples.inputs(slice(start, start + layers.samples_at_once)).flatten(1)
        for i, value in enumerate(layers.activations(flat, inputs)):
            name = layers.names[i]
            if name not in producers:
                continue
            for row, total in enumerate(totals):
                sums = score.observe(value[row, : layers.sizes[row][i][0]].t())
                total[name] = total[name] + sums if name in total else sums
    return [{name: sums / len(samples) for name, sums in total.items()} for total in totals]
