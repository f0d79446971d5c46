"""Predictions of stored networks as ``.npz`` files of a run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pruning.core.errors import DamagedRunError, RequestError
from selection.exchange import read_predictions
from selection.pool import PoolPredictions


def read_npz(file: Path, split: str) -> PoolPredictions | None:
    """Return what a run kept, as predictions on this split; None if there is no file."""
    if not file.exists():
        return None
    try:
        return replace(read_predictions(file)[0], split=split)
    except RequestError as error:
        raise DamagedRunError(f"{error}; delete it") from error
