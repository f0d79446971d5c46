"""Loading an ensemble, whatever form it is stored in."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

from ensemble.installed import check_alone, lacking
from ensemble.storage.contents import check_product
from ensemble.storage.folder import artefact_folder, onnx_file
from pruning.core.errors import RequestError

if TYPE_CHECKING:
    from torch import nn

    from ensemble.classifier import Classifier
    from ensemble.model import Ensemble


def load(
    path: str | PathLike[str],
    *,
    factories: Mapping[str, Callable[..., nn.Module]] | None = None,
    device: str = "cpu",
    verify: bool = True,
    expect: str | None = None,
) -> Classifier:
    """Return the ensemble stored at `path`, ready to predict. No code of its author is run.

    Parameters
    ----------
    path
        A folder with ``ensemble.json``, a run's folder with ``ensemble/`` in it, one
        ``.onnx`` file or a folder of `ensemble combine`, which need onnxruntime and no torch.
    factories
        For members that are a user's own networks: ``{"mypkg.nets:make_net": make_net}``, where
        ``make_net(num_classes, input_shape)`` builds one; a function without arguments and a
        network are taken, too. The name is that of ``description.members[i].arch``.
    device
        Torch device; an ``.onnx`` file runs on the CPU.
    verify
        Whether every member must answer the inputs kept with the ensemble as it did when it was
        written. A network that does not is refused: part of it was not in its weights.
    expect
        The SHA-256 that ``ensemble verify`` said of it where it was made, which came by another
        way: any other ensemble is refused, whoever sealed it. None takes any that is whole.

    Raises
    ------
    RequestError
        If there is no ensemble at `path`, it is damaged, not what it says it is, not the one
        that was expected or in a run that has not made it, or what it needs is not installed.
    """
    check_alone()
    if not isinstance(path, str | PathLike):
        raise RequestError(f"`path` {path!r}: expected a text or a path")
    place = Path(path)
    try:
        file = onnx_file(place)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        raise RequestError(f"`path` {place}: no file has so long a name") from error
    if expect is not None:
        from ensemble.fingerprint import check_expected, fingerprint

        check_expected(place, fingerprint, expect)
    if file:
        if device != "cpu":
            raise RequestError(f"device {device!r}: an .onnx ensemble runs on 'cpu' only")
        check_product(file)
        from ensemble.onnx.runtime import load_onnx

        return load_onnx(file, verify=verify)
    folder = artefact_folder(place)
    check_product(folder)
    return load_folder(folder, factories=factories, device=device, verify=verify)


def load_folder(
    folder: Path,
    *,
    factories: Mapping[str, Callable[..., nn.Module]] | None = None,
    device: str = "cpu",
    verify: bool = True,
) -> Ensemble:
    """Return the ensemble in a folder with ``ensemble.json``; see `load`."""
    try:
        from ensemble.artefact.rebuilding import rebuild_members
        from ensemble.artefact.stored import StoredEnsemble
        from ensemble.model import Ensemble
    except ImportError as error:
        instead = "predict with the one .onnx file that `ensemble export` writes of it, or "
        if (told := lacking(f"{folder}", error, instead)) is None:
            raise
        raise told from error
    stored = StoredEnsemble.read(folder)
    about = stored.about
    return Ensemble(
        rebuild_members(stored, factories or {}, verify=verify), about.classes, about.input_shape,
        scaling=about.scaling, combination=about.combination, provenance=about.provenance,
        feature_names=about.feature_names,
    ).set_params(device=device)  # fmt: skip
