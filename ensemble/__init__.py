"""The product: an ensemble that loads anywhere and predicts.

>>> import ensemble
>>> clf = ensemble.load("results/mnist")  # doctest: +SKIP
>>> clf.predict_proba(X)  # doctest: +SKIP

The package is lazy: torch is imported when a torch artefact is loaded, never for an
exported ``.onnx`` file.
"""

from typing import TYPE_CHECKING

from pruning.core.lazy import lazy_page

__all__ = [
    "Cascade",
    "Classifier",
    "Combination",
    "Ensemble",
    "EnsembleMember",
    "OnnxEnsemble",
    "Provenance",
    "__version__",
    "fit_cascade",
    "fit_temperature",
    "load",
]

if TYPE_CHECKING:
    from ensemble.calibration import fit_temperature
    from ensemble.cascade import Cascade, fit_cascade
    from ensemble.classifier import Classifier
    from ensemble.combination import Combination
    from ensemble.description import Provenance
    from ensemble.loader import load
    from ensemble.member import EnsembleMember
    from ensemble.model import Ensemble
    from ensemble.onnx.runtime import OnnxEnsemble
    from ensemble.release import __version__
else:
    __getattr__, __dir__ = lazy_page(
        __name__,
        {
            "ensemble.calibration": ("fit_temperature",),
            "ensemble.cascade": ("Cascade", "fit_cascade"),
            "ensemble.classifier": ("Classifier",),
            "ensemble.combination": ("Combination",),
            "ensemble.description": ("Provenance",),
            "ensemble.loader": ("load",),
            "ensemble.member": ("EnsembleMember",),
            "ensemble.model": ("Ensemble",),
            "ensemble.onnx.runtime": ("OnnxEnsemble",),
            "ensemble.release": ("__version__",),
        },
    )
