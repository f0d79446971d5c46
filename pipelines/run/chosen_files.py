"""What the files of a choice and of a report are called, in a run and for predictions alone."""

from __future__ import annotations

from pathlib import Path

from ensemble.storage.folder import ONNX


class ReportFiles:
    """The places of a comparison's report, in whichever folder it is."""

    def __init__(self, folder: Path) -> None:
        self.table = folder / "comparison.csv"
        self.text = folder / "comparison.md"
        self.latex = folder / "comparison.tex"
        self.page = folder / "report.html"


class ChosenFiles:
    """The places of what a team was chosen from, of the choice, and of what was made of it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.predictions_folder = path / "predictions"
        self.selection_file = path / "selection.json"
        self.candidates_file = path / "candidates.csv"
        self.onnx_file = path / ONNX
        self.report = ReportFiles(path)

    @property
    def path(self) -> Path:
        """The folder."""
        return self._path

    def predictions_file(self, split: str) -> Path:
        """Return where the members' predictions on ``select`` or ``test`` are."""
        return self.predictions_folder / f"{split}.npz"
