"""Predictions as a file, made here or elsewhere, and the candidates table as text."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.samples.archive import read_archive
from selection.costs import KINDS, PoolCosts
from selection.pool import PoolPredictions, sorted_classes

NEEDED = ("probabilities", "labels")


def read_predictions(path: Path | str) -> tuple[PoolPredictions, PoolCosts | None]:
    """Read a pool's predictions from an ``.npz`` file; nothing in it is unpickled.

    Arrays: ``probabilities`` (M, N, C), each row summing to 1; ``labels`` (N,) whole numbers
    in 0..C−1, or any of optional ``classes`` (C,), the labels of the columns; optional ``names``
    (M,) text, each once; optional ``costs`` (M,), read as FLOPs, or ``flops``, ``bytes``,
    ``latency`` (M,), in seconds per sample. Without ``classes``, C labels that are text or
    other numbers are taken for the columns in sorted order.

    Returns
    -------
    The pool, as of the selection split, and the costs or None.

    Raises
    ------
    RequestError
        Where the file or an array is not as above: one line that says which.
    """
    path = Path(path)
    arrays = read_archive(path, lambda names: names)
    pool, _ = pool_of(path, arrays)
    return pool, costs_of(path, arrays, len(pool))


def predictions_to_npz(pool: PoolPredictions) -> bytes:
    """Return a pool as an ``.npz`` for `read_predictions`; equal pools are equal bytes."""
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


def candidates_to_csv(candidates: NDArray[np.void], names: Sequence[str] = ()) -> str:
    """Return the table as CSV: a header, one row per team; what is not defined is empty.

    A team is its rows in the pool; with the pool's `names` a last column, ``members``, says
    theirs, joined by ``"; "``. Costs are the team's sums, a latency in seconds per sample.

    >>> print(candidates_to_csv(np.array([("0 3", .5)], [("team", "U3"), ("accuracy", float)])))
    team,accuracy
    0 3,0.5
    <BLANKLINE>
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*(candidates.dtype.names or ()), *(("members",) if names else ())])
    for place, row in enumerate(candidates.tolist()):
        values = ["" if value != value else value for value in row]
        team = str(candidates["team"][place]).split() if names else []
        said = ["; ".join(names[int(member)] for member in team)] if names else []
        writer.writerow([*values, *said])
    return out.getvalue()


def candidates_from_csv(text: str) -> NDArray[np.void]:
    """Return the table `candidates_to_csv` wrote."""
    header, *rows = list(csv.reader(io.StringIO(text)))
    width = max([1, *(len(cell) for row in rows for cell in row)])
    dtype: list[tuple[str, Any]] = [(name, _kind(name, width)) for name in header]
    table = np.zeros(len(rows), dtype)
    for place, (name, kind) in enumerate(dtype):
        cells = [row[place] for row in rows]
        if kind is bool:
            table[name] = [cell == "True" for cell in cells]
        elif kind is np.float64:
            table[name] = [float(cell) if cell else np.nan for cell in cells]
        else:
            table[name] = cells
    return table


def _kind(name: str, width: int) -> Any:
    if name in ("team", "fell_by", "members"):
        return f"U{width}"
    if name in ("few_negatives", "chosen"):
        return bool
    return np.int64 if name in ("size", "fewest_negatives", "fell_at") else np.float64


def pool_of(
    path: Path,
    arrays: dict[str, NDArray[Any]],
    classes: NDArray[Any] | None = None,
    prefix: str = "",
) -> tuple[PoolPredictions, NDArray[Any] | None]:
    """Return the pool in a file's arrays, and what its columns stand for; None for 0..C-1.

    Parameters
    ----------
    path
        The file, for messages.
    arrays
        As `read_predictions` names them.
    classes
        What the columns stand for where the arrays do not say; read off the labels when None.
    prefix
        What the arrays' names begin with in the file.
    """
    for name in NEEDED:
        if name not in arrays:
            raise RequestError(
                f"{path} holds {', '.join(sorted(arrays)) or 'nothing'} and no "
                f"{prefix + name!r}; expected {prefix}probabilities (M, N, C) and "
                f"{prefix}labels (N,)"
            )
    names = arrays.get("names")
    if names is not None and (names.ndim != 1 or names.dtype.kind not in "UiuS"):
        raise RequestError(
            f"{path}: names are {names.dtype} of shape {names.shape}; expected text (M,)"
        )
    probabilities, labels = arrays["probabilities"], arrays["labels"]
    known = arrays.get("classes", classes)
    if known is None and probabilities.ndim == 3:
        known = sorted_classes(labels, probabilities.shape[2])
    try:
        pool = PoolPredictions.of(
            probabilities, labels, classes=known, names=None if names is None else as_text(names)
        )
    except RequestError as error:
        raise RequestError(f"{path}: {prefix}{error}") from error
    return pool, known


def as_text(names: NDArray[Any]) -> list[str]:
    """Return (K,) names of any kind as K texts."""
    return [n.decode() if isinstance(n, bytes) else str(n) for n in names.tolist()]


def costs_of(path: Path, arrays: dict[str, NDArray[Any]], members: int) -> PoolCosts | None:
    """Return what a file's arrays say its members cost; None where they do not."""
    known = {kind: arrays[kind] for kind in KINDS if kind in arrays}
    if "costs" in arrays:
        known.setdefault("flops", arrays["costs"])
    for kind, values in known.items():
        if values.dtype.kind not in "fiu":
            raise RequestError(f"{path}: {kind} are {values.dtype}; expected numbers ({members},)")
    return PoolCosts.of(**known).check(members) if known else None
