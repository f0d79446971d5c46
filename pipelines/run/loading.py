"""The ensemble a command is given, with the factories its user names."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import ensemble
from ensemble.classifier import Classifier
from pruning.core.errors import ForeignCodeError, RequestError
from pruning.core.user_code import names_maker

if TYPE_CHECKING:
    from torch import nn


def load_ensemble(source: str, archs: tuple[str, ...], device: str = "cpu") -> Classifier:
    """Return the ensemble at `source`; `archs` are the ``module:factory`` that may be run."""
    if archs and Path(source).suffix == ".onnx":
        raise RequestError(f"`archs` {archs[0]}: an .onnx file holds its networks; leave it out")
    factories = _factories(archs) if archs else None
    try:
        return ensemble.load(source, factories=factories, device=device)
    except ForeignCodeError as error:
        make = error.arch if names_maker(error.arch) else "module:factory, which makes one"
        raise ForeignCodeError(error.arch, f"`archs` {make}") from error


def _factories(archs: tuple[str, ...]) -> dict[str, Callable[..., nn.Module]]:
    from pruning.networks.architecture import built_in, resolve_factory

    for arch in filter(built_in, archs):
        resolve_factory(arch)  # a name that nobody knows is refused
    return {arch: resolve_factory(arch) for arch in archs if not built_in(arch)}
