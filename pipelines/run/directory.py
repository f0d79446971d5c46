"""The run directory: what is in it, read and written whole or not at all.

config.json                       what was asked and resolved; root, checksums itself
files.json                        names config.json's checksum, and every file that is here
build.log                         lines of JSON: when, where, how long; never read again
members/<run>/round-<k>.safetensors
members/<run>/training-<name>.safetensors  a round that is on, between two epochs, where it is long
members/<run>/history.json        names config.json's checksum, and checksums its rounds
predictions/select.npz, test.npz
selection.json, candidates.csv    selection.json checksums the predictions it read
ensemble/                         the artefact
control/                          one network as costly as the team, and its predictions
small_team/                       as many small ones, together as costly, and theirs
ensemble.onnx, ensemble-int8.onnx the team exported
measurements.json                 time and memory of the product
comparison.csv, report.html
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from ensemble.artefact.stored import check_folder, describe_folder
from ensemble.description import Description
from ensemble.loader import load_folder
from ensemble.model import Ensemble
from ensemble.storage.contents import (
    PRODUCTS,
    Contents,
    check_format,
    check_product,
    replacing,
    unchecked,
)
from ensemble.storage.folder import ROOT
from ensemble.storage.sealed import (
    canonical_json,
    clear_drafts,
    folder_written_whole,
    json_bytes,
    seal,
    sha256_of,
)
from pipelines.run.bound_files import BoundFiles, read, unsealed
from pipelines.run.build_log import append_line, cut_torn_line
from pipelines.run.control_files import (
    CONTROLS,
    Control,
    control_from_json,
    control_to_json,
    option_of,
    write_weights,
)
from pipelines.run.file_names import SPLITS, RunFiles
from pipelines.run.history_files import HistoryFiles
from pipelines.run.machine import worker_name
from pipelines.run.member_files import history_to_json, write_member
from pipelines.run.one_writer import one_writer
from pipelines.run.prediction_files import read_npz
from pipelines.run.records import RunHistory
from pipelines.run.resolved import ResolvedConfig
from pipelines.run.store import TrainingOf
from pipelines.run.training_files import TrainingFiles
from pruning.core.errors import DamagedRunError, RequestError
from pruning.dropnet.member import Member
from pruning.networks.architecture import built_in, resolve_factory
from pruning.training.checkpoint import TrainingState
from selection.exchange import candidates_from_csv, candidates_to_csv, predictions_to_npz
from selection.pool import PoolPredictions
from selection.team import Selection

GO_ON = "give the `ensemble build` command again"


class RunDirectory(RunFiles):
    """One run's files; a `Store` that outlives its process."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._files = BoundFiles(path)
        self._histories = HistoryFiles(self, GO_ON)
        self._trainings = TrainingFiles(self)

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
            if not path.exists():
                raise RequestError(f"{path} does not exist; expected the folder of a run")
            if not path.is_dir():
                raise RequestError(f"{path} is a file; expected the folder of a run")
            raise RequestError(
                f"{path} is not a run: it has no config.json; make one with `ensemble build`"
            )
        return run

    @cached_property
    def _config(self) -> dict[str, Any]:
        return unsealed(read(self.config_file), self.config_file)

    @property
    def checksum(self) -> str:
        """Checksum of what ``config.json`` says, by which files know their run."""
        return sha256_of(canonical_json(self._config))

    @cached_property
    def resolved(self) -> ResolvedConfig:
        """What ``config.json`` says."""
        content = self._config
        check_format(self.config_file, content.get("format"))
        try:
            return ResolvedConfig.from_json(content)
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedRunError(
                f"{self.config_file} was written by another version of this project ({error}); "
                "build again into a new folder"
            ) from error

    def histories(self) -> tuple[RunHistory, ...]:
        """Return the history of every run that has begun, in order: each file is read."""
        found = (self._history(run) for run in range(self.resolved.config.m))
        return tuple(history for history in found if history)

    def trained_histories(self) -> tuple[RunHistory, ...]:
        """Return the history of every run; a RequestError where one has not begun.

        Of a run that has chosen, they are those it chose from.
        """
        histories = self.histories()
        begun = {history.run for history in histories}
        for run in range(self.resolved.config.m):
            if run not in begun:
                raise RequestError(
                    f"{self.path} is not finished: run {run} has no trained network; "
                    f"{GO_ON} to go on"
                )
        if self.finished:
            self._files.check_read(f"{GO_ON} to go on from it", self._histories.checksums)
        return histories

    def keep_round(self, member: Member, earlier: RunHistory | None) -> RunHistory:
        """Keep a trained round: its weights first, then the history that names them."""
        path = self.round_file(member.run, member.round)
        path.parent.mkdir(parents=True, exist_ok=True)
        for split in SPLITS:  # they are of an earlier training, if there are any
            self.predictions_file(split).unlink(missing_ok=True)
        record = write_member(member, path, self.resolved.member_shape)
        history = earlier.followed_by(record) if earlier else RunHistory((record,))
        self.keep_history(member.run, history_to_json(history))
        return history

    def keep_end(self, history: RunHistory) -> RunHistory:
        """Keep that a run has ended where its numbers do not show it; return its history."""
        ended = replace(history, ended=True)
        self.keep_history(history.run, history_to_json(ended))
        return ended

    def keep_history(self, run: int, content: Mapping[str, Any]) -> None:
        """Keep what is known of a run whose rounds are there, and that it is one of these."""
        self._histories.keep(run, content, self.checksum)

    def training(self, of: TrainingOf) -> TrainingState | None:
        """Return the state of a training that was stopped; None where there is none to use."""
        return self._trainings.read(of, self.checksum)

    def keep_training(self, of: TrainingOf, state: TrainingState) -> None:
        """Keep the state of a training between two epochs."""
        self._trainings.keep(of, state, self.checksum)

    def forget_trainings(self, runs: Sequence[int], but: Iterable[str] = ()) -> None:
        """Remove the states of a group's trainings; `but` names those that stay."""
        self._trainings.forget(runs, but)

    def predictions(self, split: str) -> PoolPredictions | None:
        """Return the members' kept predictions on ``select`` or ``test``.

        None, so that they are made again, where they are not those that the run made.
        """
        with suppress(DamagedRunError):  # a damaged choice is found by who reads it
            if split == "select" and self.chosen_from_others:
                return None
        return self._predictions(self.predictions_file(split), split)

    @property
    def chosen_from_others(self) -> bool:
        """Whether other predictions were chosen from than those that are kept."""
        file = self.predictions_file("select")
        if not (self.finished and file.is_file()):
            return False
        content = unsealed(read(self.selection_file), self.selection_file)
        return sha256_of(read(file)) != content.get("predictions_sha256")

    def check_choice(self) -> None:
        """Refuse a choice from other predictions than those that are kept.

        Runs of version 1 may have kept more after they chose.
        """
        if self.chosen_from_others and self._config["format"] > 1:
            raise DamagedRunError(
                f"{self.selection_file} was chosen from other predictions than "
                f"{self.predictions_file('select')} holds; {GO_ON} to choose again"
            )

    def keep_predictions(self, pool: PoolPredictions) -> None:
        """Keep the members' predictions on the pool's split."""
        self._files.keep((self.predictions_file(pool.split), predictions_to_npz(pool)))

    @property
    def finished(self) -> bool:
        """Whether a team has been chosen."""
        return self.selection_file.is_file()

    def selection(self) -> Selection:
        """Return the choice of a finished run, with its candidates."""
        if not self.finished:
            raise RequestError(f"{self.path} has no selection.json; {GO_ON} to go on")
        content = self._files.sealed(self.selection_file, f"{GO_ON} to choose again")
        try:
            table = self._files.bound(self.candidates_file, f"{GO_ON} to choose again")
            candidates = candidates_from_csv(table.decode())
        except (ValueError, IndexError) as error:
            raise DamagedRunError(
                f"{self.candidates_file} cannot be read ({error}); {GO_ON} to choose again"
            ) from error
        return Selection.from_json(content, candidates)

    def chosen(self) -> tuple[Selection, Description] | None:
        """Return the choice and what its ensemble says of itself, where both stand.

        None where a file of theirs is missing, damaged or not known to be the run's own, or the
        choice was made from other rounds or predictions than there are.
        """
        try:
            if not self.finished or self.unchecked or self.chosen_from_others:
                return None
            self._files.check_read(GO_ON, self._histories.checksums)
            return self.selection(), self.description()
        except (DamagedRunError, RequestError, KeyError, TypeError, ValueError):
            return None

    def keep_selection(self, selection: Selection) -> None:
        """Keep the choice: its candidates first, then ``selection.json``; name what it rests on."""
        predictions = self.predictions_file("select")
        content = selection.to_json() | {"predictions_sha256": sha256_of(read(predictions))}
        self._files.keep(
            (self.candidates_file, candidates_to_csv(selection.candidates).encode()),
            (self.selection_file, json_bytes(seal(content))),
            resting_on=(predictions, *self._histories.there(self.resolved.config.m)),
        )

    def ensemble(self) -> Ensemble:
        """Return the chosen team, loaded from its artefact."""
        archs = self.resolved.config.arch_names
        own = {arch: resolve_factory(arch) for arch in archs if not built_in(arch)}
        check_product(self.ensemble_folder)
        return load_folder(self.ensemble_folder, factories=own)

    def description(self) -> Description:
        """Return what the artefact says of itself, its files checked."""
        if not self.ensemble_folder.is_dir():
            raise RequestError(f"{self.path} has no ensemble/; {GO_ON} to go on")
        self._files.bound(self.ensemble_folder / ROOT, GO_ON)
        try:
            check_folder(self.ensemble_folder)
        except RequestError as error:
            raise DamagedRunError(f"{error}; {GO_ON}") from error
        return describe_folder(self.ensemble_folder)

    def keep_ensemble(self, model: Ensemble) -> None:
        """Keep the chosen team as the artefact."""
        name, _ = PRODUCTS[self.ensemble_folder.name]
        with ExitStack() as named, folder_written_whole(self.ensemble_folder) as fresh:
            model.save(fresh)
            checksum = sha256_of(read(fresh / ROOT))
            named.enter_context(replacing(self.path, {name: checksum}))

    def control(self, name: str) -> Control | None:
        """Return one of the `CONTROLS`, of whichever team it is."""
        file = self.control_file(name)
        if not file.is_file():
            return None
        command = f"`ensemble build {option_of(name)}` command"
        content = self._files.sealed(file, f"delete {file.parent} and give the {command} again")
        return control_from_json(name, content, file, self.resolved.member_shape)

    def keep_control(self, control: Control) -> Control:
        """Keep a trained control, and return it as it is kept."""
        file = self.control_file(control.name)
        kept = write_weights(control, file, self.resolved.member_shape)
        self._files.keep((file, control_to_json(kept)))
        return kept

    def control_predictions(self, name: str, split: str) -> PoolPredictions | None:
        """Return a control's kept predictions; None where they are not those it made."""
        return self._predictions(self.control_predictions_file(name, split), split)

    def keep_control_predictions(self, name: str, pool: PoolPredictions) -> None:
        """Keep a control's predictions on the pool's split."""
        file = self.control_predictions_file(name, pool.split)
        self._files.keep((file, predictions_to_npz(pool)))

    def measurements(self) -> dict[str, Any] | None:
        """Return what ``measurements.json`` holds."""
        if not self.measurements_file.is_file():
            return None
        way_out = "delete it, or measure again: `ensemble compare --measure`"
        return self._files.sealed(self.measurements_file, way_out)

    def keep_measurements(self, content: dict[str, Any]) -> None:
        """Keep what was measured."""
        self._files.keep((self.measurements_file, json_bytes(seal(content))))

    def placing(self) -> AbstractContextManager[Path]:
        """Yield an empty folder; files that another room writes there become the run's own."""
        return self._files.placing()

    def read_own(self, file: Path) -> bytes | None:
        """Return a file of the run; None where there is none, or not the run's own."""
        return self._files.own(file)

    def begin_writing(self) -> None:
        """Clear away what killed writers left, and begin ``files.json`` where it is unusable."""
        self.settle()
        Contents.begun(self.path)

    def settle(self) -> None:
        """Clear away what killed writers left; nobody else may be writing."""
        folders = (self.predictions_folder, *(self.path / name for name in CONTROLS))
        for folder in (self.path, *folders, *self.members_folder.glob("*/")):
            clear_drafts(folder)

    @property
    def unchecked(self) -> str:
        """A line that says which files of a run of version 1 may be another's; else nothing."""
        files = (
            *sorted(self.members_folder.glob("*/history.json")),
            *map(self.predictions_file, SPLITS),
            self.selection_file, self.candidates_file, self.ensemble_folder / ROOT,
            *map(self.control_file, CONTROLS), self.measurements_file,
            self.onnx_file, self.int8_file,
        )  # fmt: skip
        return unchecked(self.path, map(self._files.name, files))

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the run, so that nobody else writes to it; a `HeldRunError` where somebody does.

        What killed writers left is cleared away, where the folder can be written to.
        """
        with one_writer(self.path):
            with suppress(PermissionError):
                self.settle()
            yield

    def note_begin(self, content: Mapping[str, Any]) -> None:
        """Append to the log that a command begins."""
        cut_torn_line(self.log_file)
        self.note("began", content)

    def note(self, what: str, content: Mapping[str, Any]) -> None:
        """Append a line to the log."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        line = {"time": now, "what": what, "worker": worker_name(), **content}
        append_line(self.log_file, line)

    def _history(self, run: int) -> RunHistory | None:
        return self._histories.read(run, self.resolved, self._config["format"], self.checksum)

    def _predictions(self, file: Path, split: str) -> PoolPredictions | None:
        return None if self._files.own(file) is None else read_npz(file, split)
