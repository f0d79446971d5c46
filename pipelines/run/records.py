"""What is known of a trained round besides its tensors, and where those are."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from pipelines.run.member_ids import member_id
from pruning.dropnet.member import Member, handed_on, held
from pruning.inference.cost import Cost, count_cost
from pruning.training.trained import Epoch


class MemberSource(Protocol):
    """Where a round's network is: a file of a run directory, or memory."""

    def load(self, record: RoundRecord) -> Member:
        """Return the member whose record this is, with its network."""

    def check(self) -> None:
        """Raise `DamagedRunError` if the network is missing or not what was kept."""


@dataclass(frozen=True)
class RoundRecord:
    """One round of one DropNet run, without its tensors.

    Attributes
    ----------
    run, round
        Which DropNet run, and which of its rounds; round 0 is the unpruned network.
    arch, seed
        The architecture's name and the run's own seed.
    remaining
        Prunable units left, as a share of round 0's, in (0, 1].
    val_accuracy, baseline_accuracy
        Accuracy on ``val`` of the weights kept, and that of the run's round 0.
    collapsed, removed, attempts
        As in `Member`.
    cost
        Of the physically smaller network, per sample.
    widths
        Group name → (units left, units of round 0).
    epochs
        What was seen while it trained.
    source
        Where its network is; None where nobody kept it.
    """

    run: int
    round: int
    arch: str
    seed: int
    remaining: float
    val_accuracy: float
    baseline_accuracy: float
    cost: Cost
    widths: Mapping[str, tuple[int, int]] = field(hash=False)
    epochs: tuple[Epoch, ...] = ()
    collapsed: bool = False
    removed: float | None = None
    attempts: int = 1
    epochs_before: int | None = None
    source: MemberSource | None = field(default=None, compare=False, repr=False)

    @classmethod
    def of(
        cls, member: Member, input_shape: tuple[int, ...], source: MemberSource | None = None
    ) -> RoundRecord:
        """Return the record of a member, its cost counted on samples of `input_shape`."""
        return cls(
            run=member.run,
            round=member.round,
            arch=member.arch,
            seed=member.seed,
            remaining=member.remaining,
            val_accuracy=member.val_accuracy,
            baseline_accuracy=member.baseline_accuracy,
            cost=count_cost(member.network, input_shape),
            widths={name: (int(v.sum()), v.numel()) for name, v in member.masks.items()},
            epochs=member.epochs,
            collapsed=member.collapsed,
            removed=member.removed,
            attempts=member.attempts,
            epochs_before=member.epochs_before,
            source=source,
        )

    @property
    def epochs_seen(self) -> int | None:
        """Epochs that its weights have behind them; None where an older run did not note it."""
        return None if self.epochs_before is None else self.epochs_before + len(self.epochs)

    @property
    def id(self) -> str:
        """The pool row's name."""
        return member_id(self.run, self.round)

    def held(self, kappa: float) -> bool:
        """Whether accuracy stayed above κ × round 0's (round 0 always holds)."""
        return held(self.round, self.val_accuracy, self.baseline_accuracy, kappa)

    def load(self) -> Member:
        """Return the member with its network."""
        return self._kept().load(self)

    def check(self) -> None:
        """Raise `DamagedRunError` if the network is missing or not what was kept."""
        self._kept().check()

    def _kept(self) -> MemberSource:
        if self.source is None:
            raise ValueError(f"the network of {self.id} was not kept")
        return self.source


@dataclass(frozen=True)
class RunHistory:
    """One DropNet run: its rounds in order from round 0, none missing.

    Attributes
    ----------
    rounds
        What is known of each.
    ended
        Whether it has come to an end that its numbers do not show: another round would have
        emptied a layer.
    """

    rounds: tuple[RoundRecord, ...]
    ended: bool = False

    def __post_init__(self) -> None:
        numbers = [one.round for one in self.rounds]
        if not numbers or numbers != list(range(len(numbers))):
            raise ValueError(f"rounds {numbers} must count up from 0")

    @property
    def run(self) -> int:
        """Which run."""
        return self.rounds[0].run

    @property
    def arch(self) -> str:
        """The architecture's name."""
        return self.rounds[0].arch

    @property
    def seed(self) -> int:
        """The run's own seed."""
        return self.rounds[0].seed

    def handed_on(self, kappa: float) -> RoundRecord:
        """Return the smallest network that still held."""
        return handed_on(self.rounds, kappa)

    def followed_by(self, record: RoundRecord) -> RunHistory:
        """Return the history with this round as its last; later ones are forgotten."""
        return RunHistory((*self.rounds[: record.round], record))


@dataclass(frozen=True)
class InMemory:
    """A member that is at hand."""

    member: Member

    def load(self, record: RoundRecord) -> Member:
        """Return the member with a network of one's own: what is done to it stays there."""
        return replace(self.member, network=copy.deepcopy(self.member.network))

    def check(self) -> None:
        """Nothing can have happened to it."""
