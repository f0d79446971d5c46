"""The ensemble a command is given, with the factories its user names."""

from __future__ import annotations

import ensemble
from ensemble.classifier import Classifier
from pruning.core.errors import ForeignCodeError
from pruning.networks.architecture import built_in, resolve_factory


def load_ensemble(source: str, archs: tuple[str, ...], device: str = "cpu") -> Classifier:
    """Return the ensemble at `source`; `archs` are the ``module:factory`` that may be run."""
    for arch in filter(built_in, archs):
        resolve_factory(arch)  # a name that nobody knows is refused
    factories = {arch: resolve_factory(arch) for arch in archs if not built_in(arch)}
    try:
        return ensemble.load(source, factories=factories, device=device)
    except ForeignCodeError as error:
        raise ForeignCodeError(error.arch, f"`archs` {error.arch}") from error
