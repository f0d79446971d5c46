"""Facts about a choice, small and plain enough for JSON."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class MemberShare:
    """What one member is to its team, on the selection split.

    Attributes
    ----------
    member
        The pool row's name.
    accuracy
        Its accuracy alone.
    loss_without
        The team's accuracy less that of the team without it; negative where the team is
        better off without.
    """

    member: str
    accuracy: float
    loss_without: float


@dataclass(frozen=True)
class LevelCount:
    """How many teams of one size were made, fell by what, and stand."""

    size: int
    made: int
    dropped: int
    over_budget: int
    trimmed: int
    standing: int


@dataclass(frozen=True)
class FullTeams:
    """How many teams of the size asked for fit a budget that limits the choice.

    Attributes
    ----------
    teams
        All that the pool has.
    fitting
        Those that fit; None where there are too many to count.
    """

    teams: int
    fitting: int | None


@dataclass(frozen=True)
class FrontPoint:
    """A team that is more accurate than every cheaper team that was looked at.

    Attributes
    ----------
    kind, cost
        Which cost, and the team's sum of it.
    team
        Names of its members.
    accuracy
        On the selection split, in 0..1.
    """

    kind: str
    cost: float
    team: tuple[str, ...]
    accuracy: float


@dataclass(frozen=True)
class Optimism:
    """What repeated halving of the selection split says of a method.

    Attributes
    ----------
    halvings
        How often the split was halved; each half chooses once.
    overstated
        Mean accuracy where chosen minus accuracy where not, brought to the whole split:
        chance shrinks with the square root of the samples, so the difference between halves
        is divided by √2.
    error
        Standard error of `overstated` over the halvings.
    unseen
        Mean accuracy, on the half not chosen on, of the method's teams.
    unseen_top
        The same of the most accurate members (top-S) of the same halves.
    gain_error
        Standard error of ``unseen − unseen_top`` over the halvings.
    """

    halvings: int
    overstated: float
    error: float
    unseen: float
    unseen_top: float
    gain_error: float

    @property
    def by_noise(self) -> bool:
        """Whether on unseen samples the method does not beat top-S by a standard error."""
        return self.unseen - self.unseen_top <= self.gain_error

    def corrected(self, accuracy: float) -> float:
        """Return an accuracy on the selection split less what it overstates, in 0..1."""
        return min(1.0, max(0.0, accuracy - max(0.0, self.overstated)))
