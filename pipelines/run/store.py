"""Where a build keeps what it makes: a run directory, or memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ensemble.description import Description
from ensemble.model import Ensemble
from pipelines.run.control_files import Control
from pipelines.run.records import InMemory, RoundRecord, RunHistory
from pipelines.run.resolved import ResolvedConfig
from pruning.core.errors import RequestError
from pruning.dropnet.member import Member
from pruning.training.checkpoint import TrainingState
from selection.pool import PoolPredictions
from selection.team import Selection


@dataclass(frozen=True)
class ProductFiles:
    """Where the forms of a run's product are; None where there is no such file or folder.

    Attributes
    ----------
    ensemble
        The artefact's folder.
    onnx, int8
        Exported files.
    controls
        Folders of the controls that there are, by name.
    """

    ensemble: Path | None = None
    onnx: Path | None = None
    int8: Path | None = None
    controls: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainingOf:
    """Which training of a run a state is of.

    Attributes
    ----------
    runs
        Numbers of the group's runs.
    name
        What the training is called, such as ``"3"``, round 3's.
    start
        Name → SHA-256 of the rounds that it follows on.
    """

    runs: tuple[int, ...]
    name: str
    start: Mapping[str, str]


class Store(Protocol):
    """What a build asks of the place where it keeps things.

    Every ``keep`` is whole or not at all, and what was kept before is given back by the
    method without ``keep_``: None, or nothing, where there is none.
    """

    @property
    def path(self) -> Path | None:
        """The run directory; None where nothing is written."""

    @property
    def name(self) -> str:
        """What the run is called."""

    @property
    def resolved(self) -> ResolvedConfig:
        """What was asked and settled when the run began."""

    @property
    def product_files(self) -> ProductFiles:
        """Where the product's forms are."""

    @property
    def finished(self) -> bool:
        """Whether a team has been chosen."""

    @property
    def unchecked(self) -> str:
        """A line that says which files may be another run's; empty where all are known."""

    def histories(self) -> tuple[RunHistory, ...]:
        """Return the history of every run that has begun, in order."""

    def keep_round(self, member: Member, earlier: RunHistory | None) -> RunHistory:
        """Keep a trained round, and return its run's history with it."""

    def keep_end(self, history: RunHistory) -> RunHistory:
        """Keep that a run has ended where its numbers do not show it; return its history."""

    def training(self, of: TrainingOf) -> TrainingState | None:
        """Return the state of a training that was stopped; None where there is none to use."""

    def keep_training(self, of: TrainingOf, state: TrainingState) -> None:
        """Keep the state of a training between two epochs."""

    def forget_trainings(self, runs: Sequence[int], but: Iterable[str] = ()) -> None:
        """Remove the states of a group's trainings; `but` names those that stay."""

    def predictions(self, split: str) -> PoolPredictions | None:
        """Return the members' kept predictions on ``select`` or ``test``."""

    def keep_predictions(self, pool: PoolPredictions) -> None:
        """Keep the members' predictions on the pool's split."""

    def keep_selection(self, selection: Selection) -> None:
        """Keep the choice; the predictions it was made from have been kept."""

    def chosen(self) -> tuple[Selection, Description] | None:
        """Return the choice and what its ensemble says of itself, where both stand.

        None where either is to be made, or to be made again: what it rests on is not there as it
        was, or is not known to be.
        """

    def ensemble(self) -> Ensemble:
        """Return the chosen team."""

    def description(self) -> Description:
        """Return what the chosen team says of itself, its files checked."""

    def keep_ensemble(self, model: Ensemble) -> None:
        """Keep the chosen team."""

    def control(self, name: str) -> Control | None:
        """Return one of the `CONTROLS`, of whichever team it is."""

    def keep_control(self, control: Control) -> Control:
        """Keep a trained control, and return it as it is kept."""

    def control_predictions(self, name: str, split: str) -> PoolPredictions | None:
        """Return a control's kept predictions."""

    def keep_control_predictions(self, name: str, pool: PoolPredictions) -> None:
        """Keep a control's predictions on the pool's split."""

    def measurements(self) -> dict[str, Any] | None:
        """Return what time and memory were measured to be."""

    def keep_measurements(self, content: dict[str, Any]) -> None:
        """Keep what was measured."""

    def writing(self) -> AbstractContextManager[None]:
        """Hold the store, so that nobody else writes to it."""

    def note_begin(self, content: Mapping[str, Any]) -> None:
        """Note that a command begins; no other process notes anything yet."""

    def note(self, what: str, content: Mapping[str, Any]) -> None:
        """Note in the log, from any process, what happens; no more than people read it."""


def is_done(store: Store, histories: Sequence[RunHistory]) -> bool:
    """Whether a team has been chosen and nothing is left to train of the runs in a store.

    A build that a time limit stopped has chosen, too; `histories` are what the store holds.
    """
    resolved = store.resolved
    all_begun = len(histories) == resolved.config.m
    return store.finished and all_begun and not any(map(resolved.was_cut, histories))


class Memory:
    """A build that writes nothing: what it makes lives as long as it does."""

    path = None
    product_files = ProductFiles()
    unchecked = ""

    def __init__(self, resolved: ResolvedConfig) -> None:
        self.resolved = resolved
        self._predictions: dict[tuple[str, str], PoolPredictions] = {}
        self._selection: Selection | None = None
        self._model: Ensemble | None = None
        self._controls: dict[str, Control] = {}
        self._measured: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        """What its directory would be called."""
        return self.resolved.config.default_out.name

    @property
    def finished(self) -> bool:
        """Whether a team has been chosen."""
        return self._selection is not None

    def histories(self) -> tuple[RunHistory, ...]:
        """Nothing: a build in memory starts at the beginning."""
        return ()

    def keep_round(self, member: Member, earlier: RunHistory | None) -> RunHistory:
        """Return the run's history with this round, which holds its member itself."""
        record = RoundRecord.of(member, self.resolved.input_shape, InMemory(member))
        return earlier.followed_by(record) if earlier else RunHistory((record,))

    def keep_end(self, history: RunHistory) -> RunHistory:
        """Return the history of a run that has ended."""
        return replace(history, ended=True)

    def training(self, of: TrainingOf) -> TrainingState | None:
        """Nothing: a build in memory starts at the beginning."""
        return None

    def keep_training(self, of: TrainingOf, state: TrainingState) -> None:
        """Nothing: it ends with its process."""

    def forget_trainings(self, runs: Sequence[int], but: Iterable[str] = ()) -> None:
        """Nothing: there is none."""

    def predictions(self, split: str) -> PoolPredictions | None:
        """Return the members' predictions on ``select`` or ``test``."""
        return self._predictions.get(("members", split))

    def keep_predictions(self, pool: PoolPredictions) -> None:
        """Keep the members' predictions."""
        self._predictions["members", pool.split] = pool

    def keep_selection(self, selection: Selection) -> None:
        """Keep the choice."""
        self._selection = selection

    def chosen(self) -> tuple[Selection, Description] | None:
        """Return the choice and what its ensemble says of itself."""
        return (self._selection, self.description()) if self._selection else None

    def ensemble(self) -> Ensemble:
        """Return the chosen team."""
        if self._model is None:
            raise RequestError("no team has been chosen; build first")
        return self._model

    def description(self) -> Description:
        """Return what the chosen team says of itself."""
        return self.ensemble().description

    def keep_ensemble(self, model: Ensemble) -> None:
        """Keep the chosen team."""
        self._model = model

    def control(self, name: str) -> Control | None:
        """Return one of the controls."""
        return self._controls.get(name)

    def keep_control(self, control: Control) -> Control:
        """Keep a control; predictions of an earlier one go."""
        self._controls[control.name] = control
        self._predictions = {k: v for k, v in self._predictions.items() if k[0] != control.name}
        return control

    def control_predictions(self, name: str, split: str) -> PoolPredictions | None:
        """Return a control's predictions."""
        return self._predictions.get((name, split))

    def keep_control_predictions(self, name: str, pool: PoolPredictions) -> None:
        """Keep a control's predictions."""
        self._predictions[name, pool.split] = pool

    def measurements(self) -> dict[str, Any] | None:
        """Return what was measured."""
        return self._measured

    def keep_measurements(self, content: dict[str, Any]) -> None:
        """Keep what was measured."""
        self._measured = content

    def writing(self) -> AbstractContextManager[None]:
        """Nothing: nobody else sees it."""
        return nullcontext()

    def note_begin(self, content: Mapping[str, Any]) -> None:
        """Nothing: there is no log."""

    def note(self, what: str, content: Mapping[str, Any]) -> None:
        """Nothing: there is no log."""
