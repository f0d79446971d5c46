"""All asked-for scores of a network in one forward sweep over the training data."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn

from pruning.errors import unknown_name
from pruning.scaling import Scaling
from pruning.scores.base import SCORES, Score, UnitView
from pruning.surgery import Masks, UnitGroup

SUFFIX = "_layer"


def parse_metric(metric: str) -> tuple[Score, bool]:
    """Return the score of a metric's name, and whether units are ranked per layer.

    >>> parse_metric("minimum_layer")[1]
    True
    """
    if metric not in (names := metric_names()):
        raise unknown_name("metric", metric, names)
    return SCORES[metric.removesuffix(SUFFIX)], metric.endswith(SUFFIX)


def metric_names() -> tuple[str, ...]:
    """Return every metric: each score, globally and per layer."""
    return tuple(name + suffix for name in SCORES for suffix in ("", SUFFIX))


def importances(
    network: nn.Module,
    groups: Sequence[UnitGroup],
    masks: Masks,
    score: Score,
    images: Tensor,
    scaling: Scaling,
    *,
    generator: torch.Generator,
    batch_size: int = 512,
) -> dict[str, Tensor]:
    """Return each group's importances at full width, in eval mode, on unaugmented data.

    Parameters
    ----------
    network
        The physically smaller network under `masks`, trained.
    groups, masks
        The full-width groups and which of their units the network still holds.
    score
        From the registry.
    images
        (N, C, H, W) uint8 or (N, F) float32 training samples, on the network's device.
    scaling
        Makes network input of them.
    generator
        For scores that draw.
    batch_size
        Samples a forward pass.

    Returns
    -------
    dict
        Group name → (units,) float64 on the CPU; dropped units hold 0.
    """
    sums: dict[str, Tensor] = {}
    network.eval()
    with ExitStack() as stack, torch.inference_mode():
        observing = False
        for group in groups:
            for tap in group.taps:
                hook = network.get_submodule(tap).register_forward_hook(
                    _adder(score, group.name, sums)
                )
                stack.callback(hook.remove)
        for start in range(0, len(images), batch_size):
            network(scaling(images[start : start + batch_size]))
            observing = observing or bool(sums)
            if not observing:
                break
    full: dict[str, Tensor] = {}
    for group in groups:
        mask = masks[group.name]
        means = sums[group.name].cpu() / (len(images) * len(group.taps)) if sums else None
        producers = tuple(network.get_submodule(name) for name in group.producers)
        values = score.importance(UnitView(int(mask.sum()), means, producers, generator))
        full[group.name] = torch.zeros(group.size, dtype=torch.float64)
        full[group.name][mask] = values.double()
    return full


def _adder(score: Score, name: str, sums: dict[str, Tensor]) -> Any:
    def add(module: nn.Module, inputs: object, output: Tensor) -> None:
        batch = score.observe(output)
        if batch is not None:
            sums[name] = sums[name] + batch if name in sums else batch

    return add
