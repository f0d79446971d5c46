"""Labels of channels: which a sum, such as a residual one, couples, and which must stay.

A label is a positive integer, one for each output channel of each layer that makes
channels; 0 marks values that belong to no prunable channel. A value's labels are an int64
tensor with one axis for each of the value's, of full length where the labels differ along
it and of length 1 where they do not.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Reason:
    """Why a channel must stay: an operation, and the module it ran in."""

    operation: str
    where: str


class Labels:
    """Coupled labels (union-find) and the reasons why some must stay.

    >>> labels = Labels()
    >>> a, b = labels.fresh(2), labels.fresh(2)
    >>> labels.couple(a, b, Reason("add", ""))
    >>> labels.root(3) == labels.root(1), labels.root(1) == labels.root(2)
    (True, False)
    """

    def __init__(self) -> None:
        self._parent = [0]
        self._blocked: list[tuple[int, Reason]] = []

    def fresh(self, count: int) -> Tensor:
        """Return `count` new labels."""
        start = len(self._parent)
        self._parent.extend(range(start, start + count))
        return torch.arange(start, start + count)

    def root(self, label: int) -> int:
        """Return the representative of all labels coupled with this one."""
        while self._parent[label] != label:
            self._parent[label] = self._parent[self._parent[label]]
            label = self._parent[label]
        return label

    def couple(self, a: Tensor, b: Tensor, reason: Reason) -> None:
        """Couple labels position by position; one that meets 0 must stay."""
        shape = (a + b).shape
        pairs = zip(
            a.expand(shape).flatten().tolist(), b.expand(shape).flatten().tolist(), strict=True
        )
        for one, other in sorted(set(pairs)):
            if one and other:
                self._parent[self.root(one)] = self.root(other)
            elif one or other:
                self._blocked.append((one or other, reason))

    def block(self, labels: Tensor, reason: Reason) -> None:
        """Say that these labels must stay."""
        self._blocked += [
            (label, reason) for label in sorted(set(labels.flatten().tolist())) if label
        ]

    def reasons(self) -> dict[int, tuple[Reason, ...]]:
        """Return root → why it must stay, for every root that must."""
        found: dict[int, dict[Reason, None]] = {}
        for label, reason in self._blocked:
            found.setdefault(self.root(label), {})[reason] = None
        return {root: tuple(reasons) for root, reasons in found.items()}


def varying(labels: Tensor) -> set[int]:
    """Return the axes along which labels differ."""
    return {axis for axis, size in enumerate(labels.shape) if size > 1}


def compact(labels: Tensor) -> Tensor:
    """Return the same labels with length 1 along every axis where they do not differ."""
    for axis, size in enumerate(labels.shape):
        first = labels.narrow(axis, 0, min(1, size))
        if size > 1 and bool((labels == first).all()):
            labels = first
    return labels
