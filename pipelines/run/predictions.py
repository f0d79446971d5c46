"""Predictions of stored members on one split, made once and kept in one file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.storage.sealed import sha256_of, write_bytes_atomic
from pipelines.run.directory import RunDirectory
from pipelines.run.member_ids import member_id, run_and_round
from pruning.core.errors import DamagedRunError
from pruning.data.splits import Split
from pruning.inference.probabilities import predict_probabilities
from selection.pool import PoolPredictions

Row = tuple[int, int]
"""A pool row: (run, round)."""


def pool_rows(run: RunDirectory, pool: str) -> tuple[Row, ...]:
    """Return the rows that stand to choice: pruned, unpruned, mixed or rounds.

    A run whose first pruned round fell below κ hands on its round 0.
    """
    kappa = run.root.config.dropnet.kappa
    rows: set[Row] = set()
    for history in run.histories():
        if pool in ("unpruned", "mixed"):
            rows.add((history.run, 0))
        if pool in ("pruned", "mixed"):
            rows.add((history.run, history.handed_on(kappa).round))
        if pool == "rounds":
            rows |= {(history.run, entry.round) for entry in history.rounds}
    return tuple(sorted(rows))


def predicted(
    run: RunDirectory, rows: Iterable[Row], name: str, split: Split, *, device: str = "cpu"
) -> PoolPredictions:
    """Return the predictions of these rows (and any kept before), making what is missing.

    Parameters
    ----------
    run
        The run that holds the members.
    rows
        (run, round) pairs.
    name
        ``"select"`` or ``"test"``: which file keeps them.
    split
        The samples.
    device
        Where the networks run.
    """
    file = run.select_file if name == "select" else run.test_file
    kept = read_predictions(file, name) if file.exists() else None
    if kept is not None and not np.array_equal(kept.labels, split.labels):
        raise DamagedRunError(f"{file} is of other data than the run's {name} split")
    known = dict(zip(kept.member_ids, kept.probabilities, strict=True)) if kept else {}
    missing = [row for row in rows if member_id(*row) not in known]
    if not missing and kept is not None:
        return kept
    root = run.root
    for row in missing:
        network = run.load_member(*row).network
        known[member_id(*row)] = predict_probabilities(
            network, split.images, root.input_scaling, device=device
        )
    ids = tuple(sorted(known, key=run_and_round))
    pool = PoolPredictions(np.stack([known[i] for i in ids]), split.labels, ids, name)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(file, npz_bytes(pool))
    return pool


def read_predictions(file: Path, split: str) -> PoolPredictions:
    """Return what `predicted` kept."""
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            return PoolPredictions(
                stored["probabilities"], stored["labels"], tuple(stored["names"].tolist()), split
            )
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise DamagedRunError(f"{file} cannot be read: {error}; delete it") from error


def npz_bytes(pool: PoolPredictions) -> bytes:
    """Return the pool as an ``.npz`` whose bytes depend on the predictions alone."""
    arrays: dict[str, NDArray[np.generic]] = {
        "probabilities": pool.probabilities,
        "labels": pool.labels,
        "names": np.array(pool.member_ids),
    }
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.save(content, array, allow_pickle=False)
            # A fixed date: zip members carry one, and equal predictions are equal bytes.
            entry = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content.getvalue())
    return buffer.getvalue()


def file_sha256(file: Path) -> str:
    """Return a file's checksum."""
    return sha256_of(file.read_bytes())
