"""Cutting a data set into train, val, select and test: stratified, seeded, disjoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.data.raw import Classes, RawData

Indices = NDArray[np.int64]

#: Shares of train, val, select and test; of train, val and select beside a given test part.
SHARES = (0.60, 0.10, 0.15, 0.15)
SHARES_BESIDE_TEST = (0.80, 0.10, 0.10)


@dataclass(frozen=True, eq=False)
class Partition:
    """Which samples go where: disjoint indices (n,) int64, in shuffled order.

    A published test part keeps its own order.
    """

    train: Indices
    val: Indices
    select: Indices
    test: Indices


def partition(raw: RawData, rng: np.random.Generator, limit: int | None = None) -> Partition:
    """Deal the samples out, each class by the same shares, to within one sample.

    Without a published test part the shares are 60/10/15/15 %, with one 80/10/10 % of the
    rest, and the published part is the test.

    Parameters
    ----------
    raw
        The data set.
    rng
        Where the randomness comes from.
    limit
        Deal out only so many samples, the classes in proportion; a published test part
        stays whole. None or a number above what there is means all.

    Raises
    ------
    RequestError
        When a class would be absent from a part, or `limit` is below 1.
    """
    if limit is not None and limit < 1:
        raise RequestError(f"limit {limit}: allowed 1 and more samples, or none for all")
    pool = np.arange(len(raw.labels) if raw.test_from is None else raw.test_from)
    test = np.arange(len(pool), len(raw.labels))
    shares = SHARES if raw.test_from is None else SHARES_BESIDE_TEST
    by_class = [np.flatnonzero(raw.labels[pool] == c) for c in range(len(raw.classes))]
    quota = np.array([len(members) for members in by_class])
    _check_enough(raw.classes, quota, len(shares), "has")
    if limit is not None and limit < len(pool):
        quota = share_out(limit, quota / len(pool))
        _check_enough(raw.classes, quota, len(shares), f"is left, with limit {limit}, with")
    parts: list[list[Indices]] = [[] for _ in shares]
    for members, wanted in zip(by_class, quota, strict=True):
        dealt = rng.permutation(members)[:wanted]
        ends = np.cumsum(share_out(int(wanted), shares))[:-1]
        for part, indices in zip(parts, np.split(dealt, ends), strict=True):
            part.append(indices)
    shuffled = [rng.permutation(np.concatenate(part)) for part in parts]
    if raw.test_from is not None:
        _check_test(raw, test)
        shuffled.append(test)
    train, val, select, test = shuffled
    return Partition(train, val, select, test)


def share_out(count: int, shares: Sequence[float] | NDArray[np.float64]) -> NDArray[np.int64]:
    """Split `count` things by `shares` (adding up to 1): whole numbers, at least 1 each.

    Each number is within 1 of its exact share, or is 1, the least that anyone gets.

    >>> share_out(10, (0.6, 0.1, 0.15, 0.15))
    array([6, 1, 2, 1])
    >>> share_out(4, (0.6, 0.1, 0.15, 0.15))
    array([1, 1, 1, 1])
    """
    exact: NDArray[np.float64] = count * np.asarray(shares, dtype=np.float64)
    numbers = np.maximum(np.floor(exact + 1e-9).astype(np.int64), 1)
    while numbers.sum() < count:
        numbers[np.argmax(exact - numbers)] += 1
    while numbers.sum() > count:
        numbers[np.argmax(np.where(numbers > 1, numbers - exact, -np.inf))] -= 1
    return numbers


def _check_enough(classes: Classes, counts: Indices, minimum: int, verb: str) -> None:
    if (counts >= minimum).all():
        return
    poorest = int(np.argmin(counts))
    raise RequestError(
        f"class {classes.item(poorest)!r} {verb} {counts[poorest]} samples to split; each class "
        f"needs at least {minimum}, one for each part; add samples or leave the class out"
    )


def _check_test(raw: RawData, test: Indices) -> None:
    absent = np.setdiff1d(np.arange(len(raw.classes)), raw.labels[test])
    if len(absent):
        raise RequestError(
            f"class {raw.classes.item(absent[0])!r} has 0 samples in the given test part; each "
            "class needs at least 1; add samples or leave the class out"
        )
