"""The split is a partition, in proportion, and random only through its generator."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruning.core.errors import RequestError
from pruning.data.raw import RawData
from pruning.data.stratify import SHARES, SHARES_BESIDE_TEST, partition, share_out

PARTS = ("train", "val", "select", "test")


def raw_data(labels: list[int], test_from: int | None = None) -> RawData:
    array = np.array(labels, np.int64)
    rows = np.arange(len(array), dtype=np.float32)[:, None]
    return RawData(rows, array, np.array(["a", "b", "c"])[: array.max() + 1], test_from)


@given(st.integers(4, 5000), st.sampled_from([SHARES, SHARES_BESIDE_TEST]))
def test_shares_add_up_and_are_within_one(count: int, shares: tuple[float, ...]) -> None:
    numbers = share_out(count, shares)
    assert numbers.sum() == count
    assert (numbers >= 1).all()
    off = np.abs(numbers - count * np.array(shares))
    assert (off[numbers > 1] < 1.0 + (count < 20)).all()
    assert (off[numbers == 1] < 1.0 + (count < 20)).all()


def test_a_hundred_is_cut_exactly() -> None:
    assert share_out(100, SHARES).tolist() == [60, 10, 15, 15]
    assert share_out(50, SHARES_BESIDE_TEST).tolist() == [40, 5, 5]


@given(st.lists(st.integers(4, 60), min_size=2, max_size=3), st.integers(0, 9))
def test_parts_are_disjoint_and_complete(counts: list[int], seed: int) -> None:
    raw = raw_data([c for c, n in enumerate(counts) for _ in range(n)])
    parts = partition(raw, np.random.default_rng(seed))
    dealt = np.concatenate([getattr(parts, name) for name in PARTS])
    assert sorted(dealt) == list(range(len(raw.labels)))


def test_a_given_test_part_is_kept_whole_and_in_order() -> None:
    raw = raw_data([0, 1] * 20 + [1, 0, 0, 1], test_from=40)
    parts = partition(raw, np.random.default_rng(0), limit=20)
    assert parts.test.tolist() == [40, 41, 42, 43]
    assert (len(parts.train), len(parts.val), len(parts.select)) == (16, 2, 2)


def test_limit_keeps_the_classes_in_proportion() -> None:
    raw = raw_data([0] * 300 + [1] * 100)
    parts = partition(raw, np.random.default_rng(0), limit=80)
    kept = np.concatenate([getattr(parts, name) for name in PARTS])
    assert np.bincount(raw.labels[kept]).tolist() == [60, 20]
    everything = partition(raw, np.random.default_rng(0), limit=401)
    assert sum(len(getattr(everything, name)) for name in PARTS) == 400


def test_parts_come_shuffled() -> None:
    train = partition(raw_data([0] * 100 + [1] * 100), np.random.default_rng(0)).train
    assert 0.3 < (train[:60] < 100).mean() < 0.7


@pytest.mark.parametrize(
    ("labels", "test_from", "limit", "message"),
    [
        ([0] * 9 + [1] * 3, None, None, "class 'b' has 3 samples to split; each class needs at"),
        ([0] * 9 + [1] * 2 + [0, 1], 11, None, "class 'b' has 2 samples to split"),
        ([0] * 9 + [1] * 9 + [0], 18, None, "class 'b' has 0 samples in the given test part"),
        ([0] * 90 + [1] * 10, None, 20, "class 'b' is left, with limit 20, with 2 samples"),
        ([0] * 9 + [1] * 9, None, 0, "limit 0: allowed 1 and more"),
    ],
)
def test_a_class_absent_from_a_part_is_refused(
    labels: list[int], test_from: int | None, limit: int | None, message: str
) -> None:
    with pytest.raises(RequestError, match=message):
        partition(raw_data(labels, test_from), np.random.default_rng(0), limit)


def test_four_samples_are_enough() -> None:
    parts = partition(raw_data([0] * 4 + [1] * 4), np.random.default_rng(0))
    assert [len(getattr(parts, name)) for name in PARTS] == [2, 2, 2, 2]
