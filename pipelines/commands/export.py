"""``ensemble export``."""

from __future__ import annotations

from pathlib import Path

import ensemble
from ensemble.model import Ensemble
from pruning.errors import RequestError


def run_export(*, source: str, form: str, out: str | None) -> None:
    """Write the whole ensemble as one file."""
    model = ensemble.load(source)
    if not isinstance(model, Ensemble):
        raise RequestError(f"{source} is exported already; give a run or an ensemble's folder")
    try:
        from ensemble.export import export_onnx
    except ImportError as error:
        raise RequestError(
            f"--format {form} needs {error.name}; install with pip install 'dropnet-ensemble[onnx]'"
        ) from error
    place = Path(source)
    path = Path(out) if out else place / "ensemble.onnx"
    export_onnx(model, path)
    print(path)
