"""An ``.npz`` file with ``X`` and ``y``, or with parts of its own such as ``x_train, y_train``."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pruning.core.errors import RequestError
from pruning.data.arrays import Given, joined_arrays, labelled_arrays
from pruning.data.raw import RawData
from pruning.samples.archive import pairs_of, read_archive

GROUPS = "groups"
"""The array that says which samples belong together."""


@dataclass(frozen=True, eq=False)
class NpzData:
    """What a file holds: a data set, and the group of each sample besides a test part, if told."""

    raw: RawData
    groups: Given | None


def read_npz(path: Path, axes: str = "") -> NpzData:
    """Read and check the arrays; objects (pickles) are refused.

    ``X`` and ``y`` are as `pruning.data.arrays.labelled_arrays` takes them; ``groups`` (N,) may
    stand beside them. Or parts are given: ``x_train, y_train`` with or without those of ``val``
    and ``test``, or ``train_images, train_labels``, ….

    Raises
    ------
    RequestError
        For a missing array, a wrong shape, type or range, NaN or infinity.
    """
    arrays = read_archive(path, lambda names: [*_wanted(path, names), GROUPS])
    groups = arrays.pop(GROUPS, None)
    if "X" in arrays:
        return NpzData(labelled_arrays(arrays["X"], arrays["y"], f"{path}: ", axes=axes), groups)
    pairs = pairs_of(arrays)
    given = {part: (arrays[x], arrays[y]) for part, (x, y) in pairs.items()}
    return NpzData(joined_arrays(given, axes, f"{path}: "), groups)


def _wanted(path: Path, names: Iterable[str]) -> list[str]:
    found = set(names)
    if {"X", "y"} <= found:
        return ["X", "y"]
    pairs = pairs_of(found)
    if "train" in pairs:
        return list(itertools.chain(*pairs.values()))
    absent = " and no ".join(sorted({"X", "y"} - found))
    raise RequestError(
        f"{path} has no array {absent}; found {', '.join(sorted(found)) or 'none'}: save it with "
        "numpy.savez(path, X=images, y=labels), or parts as x_train, y_train, x_test, y_test"
    )
