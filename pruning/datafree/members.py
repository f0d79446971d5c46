"""Data-free pruning as a pruner of its own: runs trained once, merged, not retrained."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

import torch

from pruning.data.splits import Splits
from pruning.datafree.network import prune_data_free
from pruning.datafree.settings import Merging
from pruning.dropnet.masks import remaining_fraction
from pruning.dropnet.member import Member
from pruning.inference.probabilities import predict_probabilities
from pruning.training.class_weights import accuracy_of_one_answer, weighted_accuracy
from pruning.training.recipe import ClassWeights


def datafree(
    trained: Iterable[tuple[Member, ...]],
    splits: Splits,
    merging: Merging,
    *,
    start: Sequence[Member] = (),
    class_weights: ClassWeights = "none",
) -> Iterator[tuple[Member, ...]]:
    """Yield the trained members of a population, then the merged ones.

    Parameters
    ----------
    trained
        Yields the members of round 0: ``dropnet(runs, splits, settings)`` with settings that
        allow no pruning round (``rounds=0``).
    splits
        ``val`` says how accurate the merged networks are; no part is used to merge.
    merging
        What goes.
    start
        The last finished round of every run, to go on from; then `trained` yields nothing.
    class_weights
        As the recipe of `trained` has them, for the accuracy to mean the same.

    Yields
    ------
    tuple of Member
        Round 0, the unpruned networks; round 1, the merged ones, whose ``epochs`` are empty.
    """
    members = tuple(start)
    for members in trained:
        yield members
    if members and members[0].round == 0:
        yield tuple(_merged(member, splits, merging, class_weights) for member in members)


def _merged(
    member: Member, splits: Splits, merging: Merging, class_weights: ClassWeights
) -> Member:
    done = prune_data_free(
        member.network, splits.input_shape, count=dict(merging.counts) or None,
        fraction=merging.fraction, saliency=merging.saliency,
    )  # fmt: skip
    found = predict_probabilities(done.network, splits.val.images, splits.scaling).argmax(1)
    labels = torch.tensor(splits.val.labels)
    accuracy = weighted_accuracy(class_weights, torch.tensor(found) == labels, labels)
    return dataclasses.replace(
        member,
        round=1,
        masks=done.masks,
        network=done.network,
        epochs=(),
        val_accuracy=accuracy,
        collapsed=accuracy <= accuracy_of_one_answer(class_weights, labels),
        removed=1 - remaining_fraction(done.masks),
    )
