"""The greedy oracle of Tan & Motani 2020, section 4: drop what the training loss misses least.

Each remaining unit is removed in turn, nothing is retrained, and the one without which the
loss on the training data stays lowest goes. All candidates of a layer are evaluated from
shared activations: the layer that reads a unit computed W·x + b once; without the unit it
gives that less the unit's own share, and only what follows is run again.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.samples.scaling import Scaling
from pruning.surgery import Masks, UnitGroup, remaining_groups, shrink
from pruning.surgery.groups import Slice

_ELEMENTS = 2**22  # of candidate activations held at once


@dataclass(frozen=True)
class Samples:
    """The training data that the oracle judges by.

    Attributes
    ----------
    images
        (N, C, H, W) uint8 or (N, F) float32, on the network's device.
    labels
        (N,) int64.
    scaling
        Makes network input of images.
    """

    images: Tensor
    labels: Tensor
    scaling: Scaling

    def batches(self, size: int) -> list[tuple[Tensor, Tensor]]:
        """Return float64 network input and labels, `size` samples at a time."""
        starts = range(0, len(self.labels), size)
        parts = [slice(start, start + size) for start in starts]
        return [(self.scaling(self.images[p]).double(), self.labels[p]) for p in parts]


def oracle_drop(
    network: nn.Module,
    groups: Sequence[UnitGroup],
    masks: Masks,
    samples: Samples,
    count: int,
    *,
    batch_size: int = 512,
) -> dict[str, Tensor]:
    """Return the masks with `count` units dropped, one after the other, each the best to go.

    Parameters
    ----------
    network
        The physically smaller network under `masks`, trained; left unchanged.
    groups, masks
        The full-width groups and which of their units the network still holds.
    samples
        Training data.
    count
        Units to drop, 1 or more. No group is emptied: when every group is down to one
        unit, the masks come back as they are.
    batch_size
        Samples a pass.
    """
    new = {name: mask.clone() for name, mask in masks.items()}
    small = copy.deepcopy(network).double().eval()
    for _ in range(count):
        standing = remaining_groups(groups, new)
        losses = removal_losses(small, standing, samples, batch_size=batch_size)
        choice = lowest(losses)
        if choice is None:
            break
        name, unit = choice
        gone = {group.name: torch.ones(group.size, dtype=torch.bool) for group in standing}
        gone[name][unit] = False
        small = shrink(small, standing, gone)
        new[name][new[name].nonzero().flatten()[unit]] = False
    return new


def lowest(losses: Mapping[str, Tensor]) -> tuple[str, int] | None:
    """Return group and unit of the lowest loss, the first of equals; None if all are last."""
    best = [
        (float(values.min()), i, name)
        for i, (name, values) in enumerate(losses.items())
        if len(values) > 1
    ]
    if not best:
        return None
    name = min(best)[2]
    return name, int(losses[name].argmin())


@torch.inference_mode()
def removal_losses(
    network: nn.Module, groups: Sequence[UnitGroup], samples: Samples, *, batch_size: int = 512
) -> dict[str, Tensor]:
    """Return group → (units,) float64 mean cross-entropy, in nats, without each unit.

    Parameters
    ----------
    network
        In double precision and eval mode; `groups` are its own.
    groups
        A group of a plain sequence of layers, made by one and read by one of them, shares
        its activations; units of any other group cost a pass each.
    samples
        Training data.
    batch_size
        Samples a pass.
    """
    sums = {group.name: torch.zeros(group.size, dtype=torch.float64) for group in groups}
    for inputs, labels in samples.batches(batch_size):
        seen = _run(network, inputs)
        for group in groups:
            reader = _only_reader(network, group)
            if reader is None:
                sums[group.name] += _one_by_one(network, groups, group, inputs, labels)
            else:
                sums[group.name] += _shared(network, reader, group.size, seen, labels)
    return {name: total / len(samples.labels) for name, total in sums.items()}


def _run(network: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Return what each layer of a plain sequence reads; empty for any other network."""
    if not isinstance(network, nn.Sequential):
        return {}
    seen: dict[str, Tensor] = {}
    for name, layer in network.named_children():
        seen[name] = inputs
        inputs = layer(inputs)
    return seen


def _only_reader(network: nn.Module, group: UnitGroup) -> Slice | None:
    """Return the one layer of a sequence that reads a group's units, if it is that simple."""
    readers = [part for part in group.slices if part.side == "in"]
    plain = isinstance(network, nn.Sequential) and len(readers) == 1
    if not plain or "." in readers[0].module:
        return None
    counts = torch.bincount(readers[0].owner.clamp(min=0), minlength=group.size)
    whole = int(readers[0].owner.min()) >= 0 and len(counts.unique()) == 1  # type: ignore[no-untyped-call]
    layer = network.get_submodule(readers[0].module)
    fits = isinstance(layer, nn.Linear) or (
        isinstance(layer, nn.Conv2d) and layer.padding_mode == "zeros" and int(counts[0]) == 1
    )
    return readers[0] if whole and fits else None


def _shared(
    network: nn.Module, reader: Slice, size: int, seen: Mapping[str, Tensor], labels: Tensor
) -> Tensor:
    """Return (size,) loss sums, each candidate from what its reader makes without it."""
    layers = dict(network.named_children())
    names = list(layers)
    after = [layers[name] for name in names[names.index(reader.module) + 1 :]]
    layer, value = layers[reader.module], seen[reader.module]
    whole = layer(value)
    channels = reader.owner.argsort(stable=True).reshape(size, -1)
    chunk = max(1, _ELEMENTS // whole.numel())
    sums = []
    for start in range(0, size, chunk):
        units = channels[start : start + chunk]
        without = whole.unsqueeze(1) - _shares(layer, value, units)
        logits = nn.Sequential(*after)(without.flatten(0, 1))
        each = F.cross_entropy(logits, labels.repeat_interleave(len(units)), reduction="none")
        sums.append(each.reshape(len(labels), -1).sum(0))
    return torch.cat(sums).cpu()


def _shares(layer: nn.Module, value: Tensor, units: Tensor) -> Tensor:
    """Return (B, units, ...output): what each unit adds to a layer's output."""
    weight = layer.get_parameter("weight")
    if isinstance(layer, nn.Conv2d):
        filters = weight[:, units[:, 0]].transpose(0, 1).flatten(0, 1).unsqueeze(1)
        made = F.conv2d(
            value[:, units[:, 0]], filters, None,
            layer.stride, layer.padding, layer.dilation, len(units),
        )  # fmt: skip
        return made.unflatten(1, (len(units), -1))  # type: ignore[no-untyped-call, no-any-return]
    return torch.einsum("bul,oul->buo", value[:, units], weight[:, units])


def _one_by_one(
    network: nn.Module,
    groups: Sequence[UnitGroup],
    group: UnitGroup,
    inputs: Tensor,
    labels: Tensor,
) -> Tensor:
    """Return (units,) loss sums, by removing each unit and running the network."""
    sums = torch.zeros(group.size, dtype=torch.float64)
    if group.size == 1:
        return sums
    for unit in range(group.size):
        masks = {g.name: torch.ones(g.size, dtype=torch.bool) for g in groups}
        masks[group.name][unit] = False
        logits = shrink(network, groups, masks)(inputs)
        sums[unit] = F.cross_entropy(logits, labels, reduction="sum").cpu()
    return sums
