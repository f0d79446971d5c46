"""Which samples belong together, read from a file: a line a sample, or ``path,group`` lines."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.data.raw import RawData


def read_groups(path: Path, raw: RawData, folder: Path | None = None) -> NDArray[Any]:
    """Return the group (N,) of each sample besides a given test part.

    Parameters
    ----------
    path
        An ``.npy`` of integers or strings, or text: a group a line, in the order of the samples;
        for image files ``path,group`` lines (CSV), in any order.
    raw
        The data set.
    folder
        Where paths of image files begin.

    Raises
    ------
    RequestError
        If the file cannot be read, or does not give every sample a group.
    """
    try:
        if path.suffix == ".npy":
            found: NDArray[Any] = np.load(path, allow_pickle=False)
            return found
        lines = [row for row in csv.reader(path.read_text("utf-8-sig").splitlines()) if row]
    except (OSError, ValueError, EOFError) as error:
        reason = getattr(error, "strerror", None) or str(error).splitlines()[0]
        raise RequestError(f"groups {path} cannot be read: {reason}") from error
    if isinstance(raw.samples, tuple):
        return _by_path(path, lines, raw.samples[: raw.count], folder)
    if any(len(line) != 1 for line in lines):
        raise RequestError(f"groups {path}: allowed is a group a line, in the order of the samples")
    return np.array([line[0].strip() for line in lines])


def _by_path(
    path: Path, lines: list[list[str]], samples: tuple[Path, ...], folder: Path | None
) -> NDArray[Any]:
    if any(len(line) != 2 for line in lines):
        raise RequestError(f"groups {path}: allowed are lines of an image's path and its group")
    groups = {Path(name.strip()): group.strip() for name, group in lines}
    inside = [sample.relative_to(folder) if folder else sample for sample in samples]
    if lacking := [str(name) for name in inside if name not in groups]:
        raise RequestError(
            f"groups {path}: {len(lacking)} of {len(samples)} images have none, such as "
            f"{lacking[0]}; each needs a line, PATH,GROUP"
        )
    return np.array([groups[name] for name in inside])
