"""A finished build, as a value: what it made, and where that is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ensemble.model import Ensemble
from pipelines.build.data import same_data
from pipelines.build.device import where_it_was
from pipelines.build.predicting import pool_rounds, predicted
from pipelines.run.config import BuildConfig
from pipelines.run.directory import RunDirectory
from pipelines.run.records import RoundRecord, RunHistory
from pipelines.run.store import Store
from pruning.data.splits import Splits
from pruning.dropnet.member import Member
from selection.pool import PoolPredictions
from selection.team import Selection


@dataclass(frozen=True, eq=False, repr=False)
class Built:
    """A finished build, in memory or in a run directory.

    Attributes
    ----------
    store
        Where what it made is kept.
    splits
        Its data.
    histories
        Every run with its rounds, in order.
    predictions
        On the selection split: of the unpruned and the handed-on network of every run, and of
        all that stood to choice.
    selection
        The choice.
    skipped
        Files that could not be read, one line for each.
    earlier
        Whether an earlier command had trained and chosen already.
    device
        Where further predictions of its networks are computed, by torch's name.
    seconds
        Of each stage of the command that built it; together, all of its time.
    """

    store: Store
    splits: Splits
    histories: tuple[RunHistory, ...]
    predictions: PoolPredictions
    selection: Selection
    skipped: tuple[str, ...] = ()
    earlier: bool = False
    device: str = "cpu"
    seconds: Mapping[str, float] = field(default_factory=dict)

    @property
    def path(self) -> Path | None:
        """The run directory; None where nothing was written."""
        return self.store.path

    @property
    def config(self) -> BuildConfig:
        """What was asked."""
        return self.store.resolved.config

    @property
    def records(self) -> tuple[RoundRecord, ...]:
        """Every round of every run, without its tensors."""
        return tuple(record for history in self.histories for record in history.rounds)

    @property
    def cut(self) -> tuple[int, ...]:
        """The runs that a time limit stopped before their own end."""
        return tuple(h.run for h in self.histories if self.store.resolved.was_cut(h))

    @property
    def handed_on(self) -> tuple[RoundRecord, ...]:
        """The pruned network of every run: the smallest that still held."""
        kappa = self.store.resolved.kappa
        return tuple(history.handed_on(kappa) for history in self.histories)

    @property
    def team(self) -> tuple[RoundRecord, ...]:
        """The chosen rounds, in the order in which they vote."""
        return team_of(self.histories, self.selection)

    @property
    def members(self) -> tuple[Member, ...]:
        """Every round of every run with its network; a run directory's are read anew."""
        return tuple(record.load() for record in self.records)

    @property
    def pool(self) -> PoolPredictions:
        """What stood to choice, on the selection split."""
        return self.predictions.rows(self.selection.pool)

    @property
    def ensemble(self) -> Ensemble:
        """The chosen team; a run directory's is loaded anew."""
        return self.store.ensemble()


def team_of(histories: Sequence[RunHistory], selection: Selection) -> tuple[RoundRecord, ...]:
    """Return the chosen rounds, in the order of the selection's team."""
    by_id = {record.id: record for history in histories for record in history.rounds}
    return tuple(by_id[name] for name in selection.team)


def read_built(run: RunDirectory) -> Built:
    """Return a finished run as what built it returned, its files checked.

    Raises
    ------
    RequestError
        If the run is not finished, or its data are no longer what they were.
    DamagedRunError
        If a stored network is not what was written, whether its predictions are kept or not.
    """
    selection = run.selection()
    splits = same_data(run.resolved, str(run.path))
    histories = run.trained_histories()
    for history in histories:
        for record in history.rounds:
            record.check()
    mixed = pool_rounds(histories, "mixed", run.resolved.kappa)
    wanted = (*mixed, *team_of(histories, selection))
    device = where_it_was(run.resolved.device)
    predictions = predicted(run, wanted, "select", splits, device)
    run.check_choice()
    return Built(
        store=run,
        splits=splits,
        histories=histories,
        predictions=predictions,
        selection=selection,
        earlier=True,
        device=device,
    )
