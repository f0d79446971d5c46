"""One door for every form an ensemble comes in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ensemble.storage.folder import artefact_folder
from pruning.core.errors import RequestError

if TYPE_CHECKING:
    from torch import nn

    from ensemble.classifier import Classifier


def load(
    path: str | PathLike[str],
    *,
    factories: Mapping[str, Callable[..., nn.Module]] | None = None,
    device: str = "cpu",
) -> Classifier:
    """Return the ensemble stored at `path`, ready to predict. No code of its author is run.

    Parameters
    ----------
    path
        A folder with ``ensemble.json``, a run's folder with ``ensemble/`` in it, or one
        ``.onnx`` file, which needs onnxruntime and no torch.
    factories
        For members built from a user's own factory: ``{"mypkg.nets:make_net": make_net}``.
    device
        Torch device; an ``.onnx`` file runs on the CPU.

    Raises
    ------
    RequestError
        If there is no ensemble at `path`, or it is damaged, or not what it says it is.
    """
    place = Path(path)
    if place.suffix == ".onnx" and place.is_file():
        if device != "cpu":
            raise RequestError(f"device {device!r}: an .onnx ensemble runs on 'cpu' only")
        from ensemble.onnx.runtime import load_onnx

        return load_onnx(place)
    from ensemble.artefact import load_folder

    return load_folder(artefact_folder(place), factories=factories, device=device)
