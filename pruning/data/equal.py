"""Samples that stand in two parts: what is learnt by heart in one looks known in the other."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray


def equal_samples(parts: Mapping[str, NDArray[Any]]) -> tuple[str, ...]:
    """Return a line for each later part in which samples of an earlier part stand again.

    Parameters
    ----------
    parts
        Name → (N, …) samples, in the order in which the parts are used.

    >>> equal_samples({"train": np.eye(3), "test": np.eye(3)[:1]})[0].partition(":")[0]
    '1 of 1 samples of test stand in train, too'
    """
    known: dict[bytes, str] = {}
    notes = []
    for name, samples in parts.items():
        keys = [_key(sample) for sample in samples]
        places = Counter(known[key] for key in keys if key in known)
        notes += [
            f"{places[other]} of {len(keys)} samples of {name} stand in {other}, too: what is "
            "measured there is too high; samples of one group (`groups`) stay together"
            for other in parts
            if other in places
        ]
        for key in keys:
            known.setdefault(key, name)
    return tuple(notes)


def _key(sample: NDArray[Any]) -> bytes:
    return hashlib.blake2b(np.ascontiguousarray(sample).data, digest_size=16).digest()
