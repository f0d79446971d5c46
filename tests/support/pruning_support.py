"""Small data and networks that the tests of pruning share."""

from __future__ import annotations

import inspect

import numpy as np
import torch
from torch import nn

from pruning.data.splits import Split, Splits
from pruning.networks.architecture import NETWORKS
from pruning.surgery import Masks, UnitGroup


def blobs(seed: int = 0, shape: tuple[int, ...] = (1, 4, 4), classes: int = 3) -> Splits:
    """Return images whose class is where they are bright: learnt in a few epochs."""
    rng = np.random.default_rng(seed)
    centres = rng.integers(0, 256, (classes, *shape))

    def part(count: int) -> Split:
        labels = np.arange(count, dtype=np.int64) % classes
        noise = rng.normal(0, 40, (count, *shape))
        return Split(np.clip(centres[labels] + noise, 0, 255).astype(np.uint8), labels)

    return Splits(part(96), part(30), part(30), part(30), np.arange(classes), shape)


def random_masks(groups: tuple[UnitGroup, ...], seed: int = 0) -> dict[str, torch.Tensor]:
    """Return masks that keep about 60 % of each group, at least one unit."""
    generator = torch.Generator().manual_seed(seed)
    masks = {g.name: torch.rand(g.size, generator=generator) < 0.6 for g in groups}
    for mask in masks.values():
        mask[0] = True
    return masks


def masked_output(
    network: nn.Module, groups: tuple[UnitGroup, ...], masks: Masks, inputs: torch.Tensor
) -> torch.Tensor:
    """Return the full-width network's output with each unit's value multiplied by the mask."""
    hooks = []
    for group in groups:
        mask = masks[group.name]
        for tap in group.taps:

            def multiply(
                module: nn.Module, args: object, output: torch.Tensor, mask: torch.Tensor = mask
            ) -> torch.Tensor:
                return output * mask.reshape(1, -1, *[1] * (output.ndim - 2))

            hooks.append(network.get_submodule(tap.module).register_forward_hook(multiply))
    try:
        with torch.no_grad():
            return network.eval()(inputs)  # type: ignore[no-any-return]
    finally:
        for hook in hooks:
            hook.remove()


def narrow(name: str) -> str:
    """Return an architecture with its layers 4, 5, 6, 7, 8, 4, … wide, where it takes widths."""
    widths = inspect.signature(NETWORKS[name]).parameters.get("widths")
    if widths is None:
        return name
    return f"{name}:{'-'.join(str(4 + i % 5) for i in range(len(widths.default)))}"
