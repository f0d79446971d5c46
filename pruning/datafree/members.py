"""Data-free pruning as a pruner of its own: runs trained once, merged, not retrained."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

import torch
from torch import nn

from pruning.core.errors import RequestError, unknown_name
from pruning.data.splits import Splits
from pruning.datafree.merging import Saliency
from pruning.datafree.network import check_mergeable, prune_data_free
from pruning.dropnet.algorithm import DropNet, ProgressHook, Runs, dropnet
from pruning.dropnet.masks import remaining_fraction
from pruning.dropnet.member import Member
from pruning.inference.probabilities import predict_probabilities


@dataclass(frozen=True)
class Merging:
    """How much of each trained network is merged away.

    Attributes
    ----------
    fraction
        Share of the neurons of each layer that can be merged, in [0, 1).
    counts
        (layer, neurons) pairs in its place: so many of these layers, none of the others.
        With neither, each layer stops at its data-free cut-off.
    saliency
        See `pruning.datafree.merging.differences`.
    """

    fraction: float | None = None
    counts: tuple[tuple[str, int], ...] = ()
    saliency: Saliency = "exact"

    def __post_init__(self) -> None:
        if self.fraction is not None and not 0 <= self.fraction < 1:
            raise RequestError(f"share to remove {self.fraction} must lie in [0, 1)")
        if self.fraction is not None and self.counts:
            raise RequestError(
                "give a share of each layer to remove, or counts of layers, not both"
            )
        if self.saliency not in get_args(Saliency):
            raise unknown_name("saliency", self.saliency, get_args(Saliency))

    @classmethod
    def of(cls, words: Iterable[str], saliency: Saliency = "exact") -> Merging:
        """Return what ``0.5``, ``fc=440`` or several ``LAYER=COUNT`` ask for.

        >>> Merging.of(["fc1=20", "fc2=10"]).counts
        (('fc1', 20), ('fc2', 10))
        >>> Merging.of(["0.5"]).fraction
        0.5
        """
        fraction, counts = None, {}
        for word in words:
            layer, sign, number = word.rpartition("=")
            if sign and layer and number.isdecimal():
                counts[layer] = int(number)
                continue
            try:
                fraction = float(word)
            except ValueError:
                fraction = -1.0
            if not 0 <= fraction < 1:
                raise RequestError(
                    f"what to remove, {word!r}, must be a share of each layer such as 0.5, "
                    "or LAYER=COUNT such as fc=440"
                )
        return cls(fraction, tuple(counts.items()), saliency)

    @property
    def words(self) -> tuple[str, ...]:
        """What `of` makes this of again."""
        share = () if self.fraction is None else (f"{self.fraction:g}",)
        return (*share, *(f"{layer}={count}" for layer, count in self.counts))

    def check_fit(self, network: nn.Module, input_shape: tuple[int, ...]) -> None:
        """Raise `RequestError` if the network cannot be merged so; nothing is trained."""
        check_mergeable(network, input_shape, dict(self.counts) or None)


def datafree(
    runs: Runs,
    splits: Splits,
    merging: Merging,
    training: DropNet,
    *,
    start: Sequence[Member] = (),
    device: str | torch.device = "cpu",
    engine: str = "auto",
    on_epoch: ProgressHook | None = None,
) -> Iterator[tuple[Member, ...]]:
    """Yield the trained members of a population, then the merged ones.

    Parameters
    ----------
    runs, splits, start, device, engine, on_epoch
        As `pruning.dropnet.algorithm.dropnet` takes them.
    merging
        What goes.
    training
        Its recipe and initial weights are round 0's; nothing is trained after.

    Yields
    ------
    tuple of Member
        Round 0, the unpruned networks; round 1, the merged ones, whose ``epochs`` are empty.
    """
    members = tuple(start)
    if not members:
        once = dataclasses.replace(training, rounds=0)
        members = next(dropnet(runs, splits, once, device=device, engine=engine, on_epoch=on_epoch))
        yield members
    if members[0].round == 0:
        yield tuple(_merged(member, splits, merging) for member in members)


def _merged(member: Member, splits: Splits, merging: Merging) -> Member:
    done = prune_data_free(
        member.network, splits.input_shape, count=dict(merging.counts) or None,
        fraction=merging.fraction, saliency=merging.saliency,
    )  # fmt: skip
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
        removed=1 - remaining_fraction(done.masks),
    )
