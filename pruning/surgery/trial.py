"""Groups on trial: does the network that is cut compute what the masked one does?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from pruning.core.seeds import torch_generator
from pruning.surgery.cutting import masked, shrink
from pruning.surgery.groups import UnitGroup, full_masks

_TOLERANCE = 1e-3  # of the largest logit, in the network's own type of numbers


def broken_groups(
    network: nn.Module,
    groups: Sequence[UnitGroup],
    input_shape: tuple[int, ...],
    *,
    to_one: bool = False,
) -> list[UnitGroup]:
    """Return the groups that cutting breaks; without them the cut network computes the same.

    About half of each group's units are cut at random, or all but one.
    """
    generator = torch_generator(0, "scores")
    sample = zero_sample(network, input_shape, batch=2).normal_(generator=generator)
    masks = {group.name: _random_mask(group.size, generator, to_one) for group in groups}
    if not groups or _agrees(network, groups, masks, sample):
        return []
    tried, broken = full_masks(groups), []
    for group in groups:
        trial = tried | {group.name: masks[group.name]}
        if _agrees(network, groups, trial, sample):
            tried = trial
        else:
            broken.append(group)
    return broken


def _agrees(
    network: nn.Module, groups: Sequence[UnitGroup], masks: dict[str, Tensor], sample: Tensor
) -> bool:
    with torch.inference_mode():
        with masked(network, groups, masks):
            expected = network(sample)
        try:
            given = shrink(network, groups, masks)(sample)
        except Exception:  # of whatever kind: the masked network has just run
            return False
    pairs = zip(tree_leaves(given), tree_leaves(expected), strict=True)
    return all(_close(a, b) for a, b in pairs if isinstance(a, Tensor))


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool((a - b).abs().max() <= _TOLERANCE * b.abs().max())


def _random_mask(size: int, generator: torch.Generator, to_one: bool) -> Tensor:
    mask = torch.rand(size, generator=generator) < (0.0 if to_one else 0.5)
    mask[int(torch.randint(size, (), generator=generator))] = True
    return mask


def zero_sample(network: nn.Module, input_shape: tuple[int, ...], batch: int) -> Tensor:
    """Return a batch of zeros on the network's device, in its type of numbers."""
    stored = next(iter(network.parameters()), torch.zeros(()))
    return torch.zeros(batch, *input_shape, dtype=stored.dtype, device=stored.device)
