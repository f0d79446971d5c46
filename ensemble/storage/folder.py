"""Where an ensemble's folder is."""

from __future__ import annotations

from pathlib import Path

from pruning.core.errors import RequestError

ROOT = "ensemble.json"
"""The file that says what an ensemble is and checksums the others."""


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
        f"{place} holds no ensemble: expected {ROOT} or ensemble/{ROOT} in it, or one .onnx file"
    )
