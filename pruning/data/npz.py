"""An ``.npz`` file with ``X`` (images or feature rows) and ``y`` (labels)."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from pruning.core.errors import RequestError
from pruning.data.arrays import Given, labelled_arrays
from pruning.data.raw import RawData


def read_npz(path: Path) -> RawData:
    """Read and check the arrays; objects (pickles) are refused.

    ``X`` and ``y`` are as `pruning.data.arrays.labelled_arrays` takes them.

    Raises
    ------
    RequestError
        For a missing array, a wrong shape, type or range, NaN or infinity.
    """
    arrays = _arrays(path)
    return labelled_arrays(arrays["X"], arrays["y"], f"{path}: ")


def _arrays(path: Path) -> dict[str, Given]:
    try:
        with path.open("rb") as stream:
            file = np.load(stream, allow_pickle=False)
            if not isinstance(file, np.lib.npyio.NpzFile):
                raise RequestError(f"{path} is a single array; allowed an .npz with X and y")
            if absent := {"X", "y"} - set(file.files):
                raise RequestError(
                    f"{path} has no array {' and no '.join(sorted(absent))}; found "
                    f"{', '.join(sorted(file.files)) or 'none'}: save it with "
                    "numpy.savez(path, X=images, y=labels)"
                )
            return {name: file[name] for name in ("X", "y")}
    except RequestError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        reason = "it holds Python objects" if "allow_pickle" in str(error) else str(error)
        raise RequestError(
            f"{path} cannot be read as an .npz of plain arrays: {reason.splitlines()[0]}"
        ) from error
