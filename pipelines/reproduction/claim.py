"""What is reproduced, as values: a claim, its figures, the curves of each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.reproduction.study import Study
from pruning.data.splits import Splits

OURS_SUFFIX = "@ours"
"""Ends the name of a curve that the project's own recipe made."""

QUICK_EPOCHS = 2
"""Epochs of each network where a look does."""

DIGITS = 5
"""Decimals that are kept of a share or an accuracy."""


@dataclass
class Run:
    """One seed's networks, a value a round.

    Attributes
    ----------
    seed
        Of its weights and the order of its samples.
    remaining
        Shares of the prunable units.
    accuracy, val_accuracy
        On the test and the validation part.
    epochs
        Of training; 0 in rounds after a layer was emptied.
    """

    seed: int
    remaining: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    val_accuracy: list[float] = field(default_factory=list)
    epochs: list[int] = field(default_factory=list)

    def add(self, remaining: float, accuracy: float, val_accuracy: float, epochs: int) -> None:
        """Add a round."""
        self.remaining.append(round(remaining, DIGITS))
        self.accuracy.append(round(accuracy, DIGITS))
        self.val_accuracy.append(round(val_accuracy, DIGITS))
        self.epochs.append(epochs)

    def fill(self, remaining: Sequence[float], answer: float) -> None:
        """Add the rounds after a layer was emptied, in which all samples get one answer.

        Parameters
        ----------
        remaining
            Shares of all rounds that the curve has.
        answer
            How many samples of the test part that answer is right for, as a share.
        """
        for share in remaining[len(self.remaining) :]:
            self.add(share, answer, answer, 0)


@dataclass(frozen=True, eq=False)
class CurveWork:
    """What runs of a curve are made of.

    Attributes
    ----------
    arch
        Their network.
    seeds
        One for each run.
    splits, device
        What is trained on and tested, and where.
    remaining
        Shares of the units after each round.
    """

    arch: str
    seeds: tuple[int, ...]
    splits: Splits
    device: str
    remaining: tuple[float, ...]


@dataclass(frozen=True)
class Curve(ABC):
    """One curve: accuracy against the units that remain.

    Attributes
    ----------
    name
        In its figure, and of its file.
    published
        The curve of the published figure that it is held against; empty: none.
    """

    name: str
    published: str = ""

    @abstractmethod
    def asked(self, remaining: Sequence[float], *, quick: bool) -> Curve:
        """Return the curve as it is run.

        Parameters
        ----------
        remaining
            Shares of the units after each round that was published.
        quick
            Whether a look at a few rounds and epochs does.
        """

    @abstractmethod
    def described(self) -> dict[str, Any]:
        """Return what decides its values, as JSON; runs of other values are not mixed with it."""

    def today(self, header: Mapping[str, Any]) -> dict[str, Any]:
        """Return the header of a file as this version writes it.

        Settings that came after it are filled in with what they meant before they existed.
        """
        return dict(header)

    @abstractmethod
    def runs(self, work: CurveWork) -> Iterator[list[Run]]:
        """Make the runs that are due side by side; yield them after each round."""


@dataclass(frozen=True)
class Figure:
    """One figure of a paper.

    Attributes
    ----------
    name
        In its claim, and of its folder.
    title
        What it shows, in words.
    published
        Its name in the published file (`pipelines.reproduction.published`).
    arch, data
        Network and data set.
    curves
        In the order in which they are shown.
    seeds
        How many runs each curve is asked for.
    published_runs
        How many runs a published point is the mean of.
    """

    name: str
    title: str
    published: str
    arch: str
    data: str
    curves: tuple[Curve, ...]
    seeds: int = 5
    published_runs: int = 15


@dataclass(frozen=True)
class Claim:
    """What ``ensemble reproduce NAME`` makes again.

    Attributes
    ----------
    title, source
        What is claimed, and where.
    figures
        What shows it.
    pairs
        Curves that are tested against each other, the better one by the paper's words first.
    card
        Whether it takes a card; two cores take days.
    studies
        What else shows it: many pools of networks, a row of numbers each.
    """

    title: str
    source: str
    figures: tuple[Figure, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    card: bool = False
    studies: tuple[Study, ...] = ()

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of figures and studies, each once."""
        figures, studies = (one.name for one in self.figures), (one.name for one in self.studies)
        return (*figures, *studies)
