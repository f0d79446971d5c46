"""What is reproduced that is no curve: a study of many pools of networks, a row of numbers each."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pipelines.report.table import Table
from pruning.data.splits import Splits

QUICK: dict[str, Any] = {"train": 100, "epochs": 1}
"""What a look changes of every study."""

Row = dict[str, Any]
"""``seed``, and what was found with it: numbers by name."""


@dataclass(frozen=True)
class Study(ABC):
    """Many pools, a row each.

    Attributes
    ----------
    name
        In its claim, and of its file.
    title
        What it asks, in words.
    data
        Data set.
    train
        Training samples of each pool, so few that its networks err.
    members
        Networks of each pool.
    seeds
        How many rows are asked for.
    epochs
        Of each network; None: as many as the project's defaults.
    """

    name: str
    title: str
    data: str
    train: int
    members: int
    seeds: int = 30
    epochs: int | None = field(default=None, kw_only=True)

    @abstractmethod
    def asked(self, *, quick: bool) -> Study:
        """Return the study as it is run; a look may do with less."""

    @abstractmethod
    def described(self) -> dict[str, Any]:
        """Return what decides its rows, as JSON."""

    @abstractmethod
    def rows(self, seeds: Sequence[int], splits: Splits, device: str) -> Iterator[Row]:
        """Yield a row for each seed, its values rounded to what is kept."""

    @abstractmethod
    def tables(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Table, ...]:
        """Return what the rows say; at least two rows."""

    @abstractmethod
    def finding(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Return in a few words what the rows say of the claim."""
