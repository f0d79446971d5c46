"""What the files of a run are called, and where each lies below its folder."""

from __future__ import annotations

from pathlib import Path

from ensemble.storage.contents import CONFIG, CONTENTS
from ensemble.storage.folder import INT8
from pipelines.run.chosen_files import ChosenFiles
from pipelines.run.control_files import CONTROLS
from pipelines.run.store import ProductFiles

SPLITS = ("select", "test")
"""Parts of the data that a run keeps predictions on."""


class RunFiles(ChosenFiles):
    """The places of one run's files; whether they are there is not asked."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.config_file = path / CONFIG
        self.contents_file = path / CONTENTS
        self.log_file = path / "build.log"
        self.members_folder = path / "members"
        self.ensemble_folder = path / "ensemble"
        self.int8_file = path / INT8
        self.measurements_file = path / "measurements.json"

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @property
    def product_files(self) -> ProductFiles:
        """Where the product's forms are, of those that there are."""
        return ProductFiles(
            ensemble=self.ensemble_folder if self.ensemble_folder.is_dir() else None,
            onnx=self.onnx_file if self.onnx_file.is_file() else None,
            int8=self.int8_file if self.int8_file.is_file() else None,
            controls={
                name: self.control_file(name).parent
                for name in CONTROLS
                if self.control_file(name).is_file()
            },
        )

    def history_file(self, run: int) -> Path:
        """Return where a member's history is."""
        return self.members_folder / f"{run:03d}" / "history.json"

    def round_file(self, run: int, round_index: int) -> Path:
        """Return where the weights of a member's round are."""
        return self.members_folder / f"{run:03d}" / f"round-{round_index}.safetensors"

    def training_file(self, run: int, name: str) -> Path:
        """Return where the state of a training is, between two epochs of a long one.

        `run` is the first of the group that trains.
        """
        return self.members_folder / f"{run:03d}" / f"training-{name}.safetensors"

    def training_files(self, run: int) -> list[Path]:
        """Return those that there are, of the group whose first run this is."""
        pattern = self.training_file(run, "*")
        return sorted(pattern.parent.glob(pattern.name))

    def control_file(self, name: str) -> Path:
        """Return where what one of the `CONTROLS` is stands."""
        return self.path / name / "control.json"

    def control_predictions_file(self, name: str, split: str) -> Path:
        """Return where a control's predictions on ``select`` or ``test`` are."""
        return self.control_file(name).with_name(f"{split}.npz")


def own_names() -> frozenset[str]:
    """Return how paths below a run begin that are its own: its files, and its folders.

    >>> "members" in own_names(), "ensemble.onnx" in own_names(), "notes.txt" in own_names()
    (True, True, False)
    """
    run = RunFiles(Path("run"))
    named = (*vars(run).values(), *vars(run.report).values(), *map(run.control_file, CONTROLS))
    places = (place for place in named if isinstance(place, Path) and place != run.path)
    return frozenset(place.relative_to(run.path).parts[0] for place in places)
