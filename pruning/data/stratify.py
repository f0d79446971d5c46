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
    rest, and the published part is the test. A given validation part becomes halves, val and
    select; without a test part it is the test, and the rest is shared out 80/10/10 %.

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
    if raw.val_from is not None and raw.test_from is not None:
        return _of_given_parts(raw, raw.val_from, raw.test_from, rng, limit)
    test_from = raw.val_from if raw.test_from is None else raw.test_from
    pool = np.arange(len(raw.labels) if test_from is None else test_from)
    test = np.arange(len(pool), len(raw.labels))
    shuffled = _dealt(raw, pool, SHARES if test_from is None else SHARES_BESIDE_TEST, rng, limit)
    if test_from is not None:
        _check_test(raw, test)
        shuffled.append(test)
    train, val, select, test = shuffled
    return Partition(train, val, select, test)


def _of_given_parts(
    raw: RawData, val_from: int, test_from: int, rng: np.random.Generator, limit: int | None
) -> Partition:
    """Keep train and test; halve the validation part. A limit is shared out in proportion."""
    pool, rest = np.arange(val_from), np.arange(val_from, test_from)
    test = np.arange(test_from, len(raw.labels))
    of_train = of_rest = None
    if limit is not None and limit < test_from:
        of_train, of_rest = map(int, share_out(limit, np.array([len(pool), len(rest)]) / test_from))
    (train,) = _dealt(raw, pool, (1.0,), rng, of_train)
    val, select = _dealt(raw, rest, (0.5, 0.5), rng, of_rest)
    _check_test(raw, test)
    return Partition(train, val, select, test)


def _dealt(
    raw: RawData,
    pool: Indices,
    shares: Sequence[float],
    rng: np.random.Generator,
    limit: int | None,
) -> list[Indices]:
    """Deal the samples of a pool out, each class by the shares, and shuffle the parts."""
    by_class = [pool[raw.labels[pool] == c] for c in range(len(raw.classes))]
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
    return [rng.permutation(np.concatenate(part)) for part in parts]


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
    samples = "1 sample" if counts[poorest] == 1 else f"{counts[poorest]} samples"
    raise RequestError(
        f"class {classes.item(poorest)!r} {verb} {samples} to split; each class "
        f"needs at least {minimum}, one for each part; add samples or leave the class out"
    )


def _check_test(raw: RawData, test: Indices) -> None:
    absent = np.setdiff1d(np.arange(len(raw.classes)), raw.labels[test])
    if len(absent):
        raise RequestError(
            f"class {raw.classes.item(absent[0])!r} has 0 samples in the given test part; each "
            "class needs at least 1; add samples or leave the class out"
        )
