"""The run directory: the sole owner of its file names, written whole or not at all.

config.json                       what was asked and resolved; root, checksums itself
members/<run>/round-<k>.safetensors
members/<run>/history.json        names and checksums its rounds
predictions/select.npz, test.npz
selection.json, candidates.csv    selection.json checksums the predictions it read
ensemble/                         the artefact
control/                          one network as costly as the team, and its predictions
ensemble.onnx, ensemble-int8.onnx the team exported
measurements.json                 time and memory; nothing else holds any
comparison.csv, report.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ensemble.storage.sealed import seal, sha256_of, unseal, write_bytes_atomic, write_json_atomic
from pipelines.run.config import BuildConfig, differences
from pipelines.run.member_files import History, Stored, pack_member, unpack_member
from pipelines.run.plan import Group
from pruning.core.errors import DamagedRunError, RequestError
from pruning.dropnet.member import Member
from pruning.samples.scaling import Scaling

FORMAT = 1


@dataclass(frozen=True)
class Root:
    """``config.json``: what was asked, and what was resolved before training.

    Attributes
    ----------
    config
        What was asked.
    groups
        Which runs train together, how.
    device
        ``cpu`` or ``cuda``.
    classes
        Class names in column order: whole numbers or text.
    input_shape
        One sample.
    scaling
        ``offset`` and ``scale`` of the network's input.
    split_sizes
        Samples in each part.
    fingerprint
        SHA-256 of the data read.
    versions
        Of Python and the packages that compute.
    """

    config: BuildConfig
    groups: tuple[Group, ...]
    device: str
    classes: tuple[int, ...] | tuple[str, ...]
    input_shape: tuple[int, ...]
    scaling: dict[str, list[float]]
    split_sizes: dict[str, int]
    fingerprint: str
    versions: dict[str, str]

    @property
    def input_scaling(self) -> Scaling:
        """What makes network input of stored samples."""
        return Scaling(tuple(self.scaling["offset"]), tuple(self.scaling["scale"]))

    def to_json(self) -> dict[str, Any]:
        """Return the content of ``config.json``, with the checksum of all the rest."""
        content: dict[str, Any] = {
            "format": FORMAT,
            "asked": self.config.to_json(),
            "groups": [group.to_json() for group in self.groups],
            "device": self.device,
            "classes": list(self.classes),
            "input_shape": list(self.input_shape),
            "scaling": self.scaling,
            "split_sizes": self.split_sizes,
            "data_sha256": self.fingerprint,
            "versions": self.versions,
        }
        return seal(content)

    @classmethod
    def from_json(cls, content: dict[str, Any]) -> Root:
        """Return what `to_json` wrote, checked."""
        if content.get("format") != FORMAT:
            raise DamagedRunError(f"format {content.get('format')}, this version reads {FORMAT}")
        return cls(
            config=BuildConfig.from_json(content["asked"]),
            groups=tuple(Group.from_json(group) for group in content["groups"]),
            device=content["device"],
            classes=tuple(content["classes"]),
            input_shape=tuple(content["input_shape"]),
            scaling=content["scaling"],
            split_sizes=content["split_sizes"],
            fingerprint=content["data_sha256"],
            versions=content["versions"],
        )


class RunDirectory:
    """One run's files."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config_file = path / "config.json"
        self.select_file = path / "predictions" / "select.npz"
        self.test_file = path / "predictions" / "test.npz"
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
            raise RequestError(
                f"{path} is not a run: it has no config.json; make one with `ensemble build`"
            )
        return run

    @cached_property
    def root(self) -> Root:
        """What ``config.json`` says."""
        content = self.sealed(self.config_file)
        try:
            return Root.from_json(content)
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedRunError(
                f"{self.config_file} was written by another version of this project ({error}); "
                "build again into a new folder"
            ) from error

    def open(self, root: Root) -> None:
        """Start the run, or go on with the one that is there if it is the same.

        What was resolved when the run began (groups, device) is kept.

        Raises
        ------
        RequestError
            If the folder holds another configuration's run, other data, or other files.
        """
        if not self.config_file.exists():
            if self.path.exists() and (not self.path.is_dir() or any(self.path.iterdir())):
                raise RequestError(
                    f"{self.path} exists and is not a run; give a new or empty folder"
                )
            self.path.mkdir(parents=True, exist_ok=True)
            write_json_atomic(self.config_file, root.to_json())
            return
        there = self.root
        found = differences(root.config, there.config)
        if root.fingerprint != there.fingerprint and not found:
            found = ["the data is not what it was when the run began"]
        if found:
            raise RequestError(
                f"{self.path} holds another configuration's run ({'; '.join(found)}); "
                "give another folder, or delete that one"
            )

    def store(self, members: tuple[Member, ...]) -> None:
        """Keep one finished round of some runs: weights first, then the history naming them."""
        for member in members:
            data, entry = pack_member(member, self.root.input_shape)
            file = self._round_file(member.run, member.round)
            file.parent.mkdir(parents=True, exist_ok=True)
            write_bytes_atomic(file, data)
            rounds = [r for r in self.history(member.run).rounds if r.round < member.round]
            history = History(member.run, member.arch, member.seed, (*rounds, entry))
            write_json_atomic(self._history_file(member.run), seal(history.to_json()))

    def history(self, run: int) -> History:
        """Return what is known of a run; without rounds if it has not begun."""
        file = self._history_file(run)
        if not file.exists():
            return History(run, "", 0, ())
        return History.from_json(self.sealed(file))

    def histories(self) -> Iterator[History]:
        """Yield the history of every run, in order; each has at least round 0."""
        for run in range(self.root.config.m):
            history = self.history(run)
            if not history.rounds:
                raise RequestError(
                    f"{self.path} is not finished: run {run} has no trained network; "
                    "give the `ensemble build` command again to go on"
                )
            yield history

    def load_member(self, run: int, round_index: int) -> Member:
        """Return a stored member with its network."""
        history = self.history(run)
        entry = history.rounds[round_index]
        file = self._round_file(run, round_index)
        data = self.read_checked(file, entry.sha256)
        root = self.root
        return unpack_member(data, history, entry, len(root.classes), root.input_shape)

    def check_members(self) -> None:
        """Raise for the first stored network that is missing or not what its history names."""
        for history in self.histories():
            for entry in history.rounds:
                self.read_checked(self._round_file(history.run, entry.round), entry.sha256)

    def last_members(self, group: Group) -> list[Member]:
        """Return the round from which a group goes on: the last that all its runs share."""
        kappa = self.root.config.dropnet.kappa
        histories = [self.history(run) for run in group.runs.numbers]
        if not all(history.rounds for history in histories):
            return []
        reached = max(history.rounds[-1].round for history in histories)
        for history in histories:
            last = history.rounds[-1]
            if last.round < reached and last.held(kappa, history.rounds[0]):
                reached = min(reached, last.round)
        return [
            self.load_member(history.run, reached)
            for history in histories
            if history.rounds[-1].round >= reached
        ]

    def sealed(self, file: Path) -> dict[str, Any]:
        """Return the content of one of the run's JSON files, its checksum verified."""
        try:
            data = file.read_bytes()
        except OSError as error:
            raise DamagedRunError(f"{file} cannot be read: {error.strerror}") from error
        try:
            return unseal(data, str(file))
        except RequestError as error:
            raise DamagedRunError(str(error)) from error

    def read_checked(self, file: Path, checksum: str) -> bytes:
        """Return the bytes of a file, its checksum verified against the one recorded of it."""
        try:
            data = file.read_bytes()
        except OSError as error:
            raise DamagedRunError(f"{file} cannot be read: {error.strerror}") from error
        if sha256_of(data) != checksum:
            raise DamagedRunError(
                f"{file} is damaged: its checksum is not the recorded one; delete {file.parent} "
                "and give the `ensemble build` command again to train it anew"
            )
        return data

    def _history_file(self, run: int) -> Path:
        return self.path / "members" / f"{run:03d}" / "history.json"

    def _round_file(self, run: int, round_index: int) -> Path:
        return self.path / "members" / f"{run:03d}" / Stored.file_name(round_index)
