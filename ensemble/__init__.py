"""The product: an ensemble that loads anywhere and predicts.

>>> import ensemble
>>> clf = ensemble.load("results/mnist")  # doctest: +SKIP
>>> clf.predict_proba(X)  # doctest: +SKIP

The package is lazy: torch is imported when a torch artefact is loaded, never for an
exported ``.onnx`` file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ensemble.loader import load

if TYPE_CHECKING:
    from ensemble.classifier import Classifier
    from ensemble.model import Ensemble

    __version__: str

__all__ = ["Classifier", "Ensemble", "__version__", "load"]


def __getattr__(name: str) -> object:
    if name == "__version__":
        from importlib.metadata import version

        return version("dropnet-ensemble")
    if name == "Ensemble":
        from ensemble.model import Ensemble

        return Ensemble
    if name == "Classifier":
        from ensemble.classifier import Classifier

        return Classifier
    raise AttributeError(f"module 'ensemble' has no attribute {name!r}")
