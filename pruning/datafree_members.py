"""Data-free pruning as a pruner of its own: runs trained once, merged, not retrained."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import torch

from pruning.data.splits import Splits
from pruning.datafree import prune_data_free
from pruning.dropnet import DropNet, ProgressHook, Runs, dropnet
from pruning.inference import predict_probabilities
from pruning.member import Member
from pruning.merging import Saliency
from pruning.recipe import Recipe


def datafree(
    runs: Runs,
    splits: Splits,
    recipe: Recipe,
    *,
    fraction: float | None = None,
    saliency: Saliency = "heuristic",
    start: Sequence[Member] = (),
    device: str | torch.device = "cpu",
    on_epoch: ProgressHook | None = None,
) -> Iterator[tuple[Member, ...]]:
    """Yield the trained members of a population, then the merged ones.

    Parameters
    ----------
    runs, splits, start, device, on_epoch
        As `pruning.dropnet.dropnet` takes them.
    recipe
        How round 0 trains; nothing is trained after.
    fraction, saliency
        As `pruning.datafree.prune_data_free` takes them.

    Yields
    ------
    tuple of Member
        Round 0, the unpruned networks; round 1, the merged ones, whose ``epochs`` are empty.
    """
    members = tuple(start)
    if not members:
        settings = DropNet(rounds=0, recipe=recipe)
        members = next(dropnet(runs, splits, settings, device=device, on_epoch=on_epoch))
        yield members
    if members[0].round == 0:
        yield tuple(_merged(member, splits, fraction, saliency) for member in members)


def _merged(member: Member, splits: Splits, fraction: float | None, saliency: Saliency) -> Member:
    done = prune_data_free(member.network, splits.input_shape, fraction=fraction, saliency=saliency)
    found = predict_probabilities(done.network, splits.val.images, splits.scaling).argmax(1)
    accuracy = float((found == splits.val.labels).mean())
    majority = float(torch.tensor(splits.val.labels).bincount().max()) / len(splits.val)
    return dataclasses.replace(
        member,
        round=1,
        masks=done.masks,
        network=done.network,
        epochs=(),
        val_accuracy=accuracy,
        collapsed=accuracy <= majority,
    )
