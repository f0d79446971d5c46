"""The greedy oracle of Tan & Motani 2020, section 4: drop what the training loss misses least.

Each remaining unit is removed in turn, nothing is retrained, and the one without which the
loss on the training data stays lowest goes. All candidates of a layer are evaluated from
shared activations: the layer that reads a unit computes W·x + b once; without the unit its
output is that minus the unit's own contribution, and only what follows is run again.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.inference.stackable import hooked
from pruning.samples.stored import StoredSamples
from pruning.surgery import UnitGroup, full_masks, remaining_groups, shrink
from pruning.surgery.groups import PrunedNetwork, Slice

BATCH = 512
"""Samples per pass, if nothing else is said."""
_MOST_ELEMENTS = 2**22  # of candidate activations held at once


def oracle_drop(
    pruned: PrunedNetwork, samples: StoredSamples, count: int, *, batch_size: int = BATCH
) -> dict[str, Tensor]:
    """Return the masks with `count` units dropped, one after the other, each the best to go.

    Parameters
    ----------
    pruned
        A trained network and what it still holds; left unchanged.
    samples
        Training samples with labels, on the network's device.
    count
        Units to drop, 1 or more. No group is emptied: when every group is down to one
        unit, the masks come back as they are.
    batch_size
        Samples per pass.
    """
    new = {name: mask.clone() for name, mask in pruned.masks.items()}
    small = copy.deepcopy(pruned.network).double().eval()
    for _ in range(count):
        standing = remaining_groups(pruned.groups, new)
        losses = removal_losses(small, standing, samples, batch_size=batch_size)
        choice = lowest(losses)
        if choice is None:
            break
        name, unit = choice
        gone = full_masks(standing)
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
    network: nn.Module,
    groups: Sequence[UnitGroup],
    samples: StoredSamples,
    *,
    batch_size: int = BATCH,
) -> dict[str, Tensor]:
    """Return group → (units,) float64 mean cross-entropy, in nats, without each unit.

    Parameters
    ----------
    network
        In double precision and eval mode; `groups` are its own.
    groups
        The units of a group in a plain sequence of layers, made by one layer and read by
        one, share the sequence's activations; units of any other group take a pass each.
    samples
        Training samples with labels.
    batch_size
        Samples per pass.

    Raises
    ------
    ValueError
        If the samples have no labels.
    """
    if samples.labels is None:
        raise ValueError("the oracle needs the samples' labels")
    sums = {group.name: torch.zeros(group.size, dtype=torch.float64) for group in groups}
    for start in range(0, len(samples), batch_size):
        part = slice(start, start + batch_size)
        inputs, labels = samples.inputs(part).double(), samples.labels[part]
        read = _run(network, inputs)
        for group in groups:
            reader = _only_reader(network, group, read)
            if reader is None:
                sums[group.name] += _one_by_one(network, groups, group, inputs, labels)
            else:
                sums[group.name] += _shared(network, reader, group.size, read, labels)
    return {name: total / len(samples) for name, total in sums.items()}


def _run(network: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    """Return what each layer of a plain sequence reads; empty for any other network.

    A kind of sequence with a forward or hooks of its own computes more than its layers do.
    """
    own_hooks = network._forward_hooks or network._forward_pre_hooks
    if type(network) is not nn.Sequential or own_hooks:
        return {}
    read: dict[str, Tensor] = {}
    for name, layer in network.named_children():
        read[name] = inputs
        inputs = layer(inputs)
    return read


def _only_reader(network: nn.Module, group: UnitGroup, read: Mapping[str, Tensor]) -> Slice | None:
    """Return the one layer of a sequence that reads a group's units, if it is that simple."""
    readers = [part for part in group.slices if part.side == "in"]
    if len(readers) != 1 or readers[0].module not in read:
        return None
    counts = torch.bincount(readers[0].owner.clamp(min=0), minlength=group.size)
    whole = int(readers[0].owner.min()) >= 0 and len(counts.unique()) == 1  # type: ignore[no-untyped-call]
    layer = network.get_submodule(readers[0].module)
    rows = read[readers[0].module].ndim == 2  # a sample each, and not tokens of samples
    fits = (type(layer) is nn.Linear and rows) or (
        type(layer) is nn.Conv2d and layer.padding_mode == "zeros" and int(counts[0]) == 1
    )
    return readers[0] if whole and fits and not hooked(layer) else None


def _shared(
    network: nn.Module, reader: Slice, size: int, read: Mapping[str, Tensor], labels: Tensor
) -> Tensor:
    """Return (size,) loss sums, each candidate from what its reader makes without it."""
    layers = dict(network.named_children())
    names = list(layers)
    after = [layers[name] for name in names[names.index(reader.module) + 1 :]]
    layer, value = layers[reader.module], read[reader.module]
    whole = layer(value)
    channels = reader.owner.argsort(stable=True).reshape(size, -1)
    chunk = max(1, _MOST_ELEMENTS // whole.numel())
    sums = []
    for start in range(0, size, chunk):
        units = channels[start : start + chunk]
        without = whole.unsqueeze(1) - _contributions(layer, value, units)
        logits = nn.Sequential(*after)(without.flatten(0, 1))
        each = F.cross_entropy(logits, labels.repeat_interleave(len(units)), reduction="none")
        sums.append(each.reshape(len(labels), -1).sum(0))
    return torch.cat(sums).cpu()


def _contributions(layer: nn.Module, value: Tensor, units: Tensor) -> Tensor:
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
        masks = full_masks(groups)
        masks[group.name][unit] = False
        logits = shrink(network, groups, masks)(inputs)
        sums[unit] = F.cross_entropy(logits, labels, reduction="sum").cpu()
    return sums
