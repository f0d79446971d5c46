"""Where an ensemble's folder is."""

from __future__ import annotations

from pathlib import Path

from pruning.core.errors import RequestError

ROOT = "ensemble.json"
"""The file that says what an ensemble is and checksums the others."""

ONNX, INT8 = "ensemble.onnx", "ensemble-int8.onnx"
"""What `ensemble export` writes beside a run's own files; the first, `ensemble combine`, too."""


def onnx_file(place: Path) -> Path | None:
    """Return the ``.onnx`` file that is the ensemble at `place`, itself or in it, if one is.

    In a run it is an export: what the run itself holds goes before.
    """
    if place.suffix == ".onnx" and place.is_file():
        return place
    held = place / ONNX
    own = (place / ROOT, place / "ensemble", place / "members", place / "config.json")
    return held if held.is_file() and not any(part.exists() for part in own) else None


def artefact_folder(place: Path) -> Path:
    """Return the folder that holds ``ensemble.json``: `place` or its ``ensemble/``."""
    for folder in (place, place / "ensemble"):
        if (folder / ROOT).is_file():
            return folder
    if not place.exists():
        raise RequestError(f"{place} does not exist; expected an ensemble's folder or .onnx file")
    if (place / "members").is_dir():
        raise RequestError(
            f"{place} is a run that has made no ensemble yet; give the `ensemble build` command "
            "again to go on"
        )
    raise RequestError(
        f"{place} holds no ensemble: expected {ROOT} or ensemble/{ROOT} or {ONNX} in it, or "
        "one .onnx file"
    )
