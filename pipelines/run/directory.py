"""The run directory: the sole owner of its file names, written whole or not at all.

config.json                       what was asked and resolved; root, checksums itself
build.log                         lines of JSON: when, where, how long; never read again
members/<run>/round-<k>.safetensors
members/<run>/history.json        names and checksums its rounds
predictions/select.npz, test.npz
selection.json, candidates.csv    selection.json checksums the predictions it read
ensemble/                         the artefact
control/                          one network as costly as the team, and its predictions
ensemble.onnx, ensemble-int8.onnx the team exported
measurements.json                 time and memory of the product
comparison.csv, report.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ensemble.artefact.stored import check_folder, describe_folder
from ensemble.description import Description
from ensemble.loader import load_folder
from ensemble.model import Ensemble
from ensemble.storage.sealed import seal, sha256_of, unseal, write_bytes_atomic, write_json_atomic
from pipelines.run.build_log import append_line, cut_torn_line
from pipelines.run.control_files import Control, control_from_json, write_control
from pipelines.run.member_files import (
    history_from_json,
    history_to_json,
    write_member,
)
from pipelines.run.prediction_files import read_npz, write_npz
from pipelines.run.records import RunHistory
from pipelines.run.resolved import ResolvedConfig
from pipelines.run.store import ProductFiles
from pruning.core.errors import DamagedRunError, RequestError
from pruning.dropnet.member import Member
from pruning.networks.architecture import built_in, resolve_factory
from selection.exchange import candidates_from_csv, candidates_to_csv
from selection.pool import PoolPredictions
from selection.team import Selection

GO_ON = "give the `ensemble build` command again"


class RunDirectory:
    """One run's files; a `Store` that outlives its process."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.config_file = path / "config.json"
        self.log_file = path / "build.log"
        self.members_folder = path / "members"
        self.predictions_folder = path / "predictions"
        self.selection_file = path / "selection.json"
        self.candidates_file = path / "candidates.csv"
        self.ensemble_folder = path / "ensemble"
        self.control_file = path / "control" / "control.json"
        self.onnx_file = path / "ensemble.onnx"
        self.int8_file = path / "ensemble-int8.onnx"
        self.measurements_file = path / "measurements.json"
        self.comparison_file = path / "comparison.csv"

    @classmethod
    def existing(cls, path: Path) -> RunDirectory:
        """Return the run at `path`; a RequestError if there is none."""
        run = cls(path)
        if not run.config_file.is_file():
            if run.selection_file.is_file():
                raise RequestError(
                    f"{path} holds a choice from predictions made elsewhere, without networks; "
                    f"what is known of it is in {run.selection_file} and {run.candidates_file}, "
                    "and `ensemble compare` tells the rest"
                )
            raise RequestError(
                f"{path} is not a run: it has no config.json; make one with `ensemble build`"
            )
        return run

    @property
    def path(self) -> Path:
        """The folder."""
        return self._path

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.path.resolve().name

    @cached_property
    def resolved(self) -> ResolvedConfig:
        """What ``config.json`` says."""
        content = self._sealed(self.config_file)
        try:
            return ResolvedConfig.from_json(content)
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedRunError(
                f"{self.config_file} was written by another version of this project ({error}); "
                "build again into a new folder"
            ) from error

    @property
    def product_files(self) -> ProductFiles:
        """Where the product's forms are."""
        return ProductFiles(
            ensemble=self.ensemble_folder if self.ensemble_folder.is_dir() else None,
            onnx=self.onnx_file if self.onnx_file.is_file() else None,
            int8=self.int8_file if self.int8_file.is_file() else None,
            control=self.control_file.parent if self.control_file.is_file() else None,
        )

    def histories(self) -> tuple[RunHistory, ...]:
        """Return the history of every run that has begun, in order: each file is read."""
        found = (self._history(run) for run in range(self.resolved.config.m))
        return tuple(history for history in found if history)

    def trained_histories(self) -> tuple[RunHistory, ...]:
        """Return the history of every run; a RequestError where one has not begun."""
        histories = self.histories()
        begun = {history.run for history in histories}
        for run in range(self.resolved.config.m):
            if run not in begun:
                raise RequestError(
                    f"{self.path} is not finished: run {run} has no trained network; "
                    f"{GO_ON} to go on"
                )
        return histories

    def keep_round(self, member: Member, earlier: RunHistory | None) -> RunHistory:
        """Keep a trained round: its weights first, then the history that names them."""
        path = self._round_file(member.run, member.round)
        path.parent.mkdir(parents=True, exist_ok=True)
        record = write_member(member, path, self.resolved.member_shape)
        history = earlier.followed_by(record) if earlier else RunHistory((record,))
        write_json_atomic(self._history_file(member.run), seal(history_to_json(history)))
        return history

    def predictions(self, split: str) -> PoolPredictions | None:
        """Return the members' kept predictions on ``select`` or ``test``."""
        return read_npz(self._predictions_file(split), split)

    def keep_predictions(self, pool: PoolPredictions) -> None:
        """Keep the members' predictions on the pool's split."""
        write_npz(pool, self._predictions_file(pool.split))

    @property
    def finished(self) -> bool:
        """Whether a team has been chosen."""
        return self.selection_file.is_file()

    def selection(self) -> Selection:
        """Return the choice of a finished run, with its candidates."""
        if not self.finished:
            raise RequestError(f"{self.path} has no selection.json; {GO_ON} to go on")
        content = self._sealed(self.selection_file)
        try:
            table = candidates_from_csv(self.candidates_file.read_text("utf-8"))
        except (OSError, ValueError, IndexError) as error:
            raise DamagedRunError(
                f"{self.candidates_file} cannot be read ({error}); {GO_ON} to choose again"
            ) from error
        return Selection.from_json(content, table)

    def keep_selection(self, selection: Selection) -> None:
        """Keep the choice: its candidates first, then ``selection.json``."""
        read = sha256_of(self._predictions_file("select").read_bytes())
        table = candidates_to_csv(selection.candidates)
        write_bytes_atomic(self.candidates_file, table.encode())
        content = selection.to_json() | {"predictions_sha256": read}
        write_json_atomic(self.selection_file, seal(content))

    def ensemble(self) -> Ensemble:
        """Return the chosen team, loaded from its artefact."""
        archs = self.resolved.config.arch_names
        own = {arch: resolve_factory(arch) for arch in archs if not built_in(arch)}
        return load_folder(self.ensemble_folder, factories=own)

    def description(self) -> Description:
        """Return what the artefact says of itself, its files checked."""
        if not self.ensemble_folder.is_dir():
            raise RequestError(f"{self.path} has no ensemble/; {GO_ON} to go on")
        try:
            check_folder(self.ensemble_folder)
        except RequestError as error:
            raise DamagedRunError(f"{error}; {GO_ON}") from error
        return describe_folder(self.ensemble_folder)

    def keep_ensemble(self, model: Ensemble) -> None:
        """Keep the chosen team as the artefact."""
        model.save(self.ensemble_folder)

    def control(self) -> Control | None:
        """Return the control, of whichever team it is."""
        if not self.control_file.is_file():
            return None
        content = self._sealed(self.control_file)
        return control_from_json(content, self.control_file, self.resolved.member_shape)

    def keep_control(self, control: Control) -> Control:
        """Keep a trained control, and return it as it is kept."""
        return write_control(control, self.control_file, self.resolved.member_shape)

    def control_predictions(self, split: str) -> PoolPredictions | None:
        """Return the control's kept predictions."""
        return read_npz(self.control_file.with_name(f"{split}.npz"), split)

    def keep_control_predictions(self, pool: PoolPredictions) -> None:
        """Keep the control's predictions on the pool's split."""
        write_npz(pool, self.control_file.with_name(f"{pool.split}.npz"))

    def measurements(self) -> dict[str, Any] | None:
        """Return what ``measurements.json`` holds."""
        return self._sealed(self.measurements_file) if self.measurements_file.is_file() else None

    def keep_measurements(self, content: dict[str, Any]) -> None:
        """Keep what was measured."""
        write_json_atomic(self.measurements_file, seal(content))

    def note_begin(self, content: Mapping[str, Any]) -> None:
        """Append to the log that a command begins."""
        cut_torn_line(self.log_file)
        self.note("began", content)

    def note(self, what: str, content: Mapping[str, Any]) -> None:
        """Append a line to the log."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        append_line(self.log_file, {"time": now, "what": what, **content})

    def _history(self, run: int) -> RunHistory | None:
        file = self._history_file(run)
        if not file.exists():
            return None
        content = self._sealed(file)
        try:
            files = {one["round"]: self._round_file(run, one["round"]) for one in content["rounds"]}
            return history_from_json(content, files, self.resolved.member_shape)
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedRunError(
                f"{file} was written by another version of this project ({error}); "
                f"delete {file.parent} and {GO_ON} to train it anew"
            ) from error

    def _sealed(self, file: Path) -> dict[str, Any]:
        """Return the content of one of the run's JSON files, its checksum verified."""
        try:
            data = file.read_bytes()
        except OSError as error:
            raise DamagedRunError(f"{file} cannot be read: {error.strerror}") from error
        try:
            return unseal(data, str(file))
        except RequestError as error:
            raise DamagedRunError(str(error)) from error

    def _history_file(self, run: int) -> Path:
        return self.members_folder / f"{run:03d}" / "history.json"

    def _round_file(self, run: int, round_index: int) -> Path:
        return self.members_folder / f"{run:03d}" / f"round-{round_index}.safetensors"

    def _predictions_file(self, split: str) -> Path:
        return self.predictions_folder / f"{split}.npz"
