"""What a diversity measure is, the registry of them, and a team's value of one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pruning.core.errors import RequestError
from pruning.core.registry import Registry
from selection.pair_counts import SampleSets

Array = NDArray[np.float64]
Teams = NDArray[np.integer[Any]]
Evaluate = Callable[[Teams, Teams], Array]
"""(teams (T, S), sets (T, Q)) → (T, Q): each team's value on each of its sets of samples."""

CHUNK = 1 << 14
"""Teams that are valued at once."""


class Measure(ABC):
    """A diversity measure of a team of two or more.

    Members that behave alike have no diversity: where the formula gives 0/0 a measure
    answers what it says of the least diverse team, unless its text says otherwise.
    """

    more_is_diverse: ClassVar[bool]
    """Whether a greater value means a more diverse team."""

    source: ClassVar[str]
    """Where it was published."""

    @abstractmethod
    def prepare(self, samples: SampleSets) -> Evaluate:
        """Count once; return the function that values teams."""


class PairMeasure(Measure):
    """A measure that is a function of sums over the team's pairs."""

    def prepare(self, samples: SampleSets) -> Evaluate:
        """Make the pair tables; the function returned adds them up."""
        tables = [np.ascontiguousarray(t, np.float64) for t in self.tables(samples)]

        def evaluate(teams: Teams, sets: Teams) -> Array:
            out = np.empty(sets.shape)
            for start in range(0, len(teams), CHUNK):
                part = slice(start, start + CHUNK)
                sums = [pair_sums(table, teams[part], sets[part]) for table in tables]
                out[part] = self.value(sums, teams.shape[1], samples.samples[sets[part]])
            return out

        return evaluate

    @abstractmethod
    def tables(self, samples: SampleSets) -> list[Array]:
        """Return tables (F, M, M), symmetric, whose sums over pairs i < j the value needs."""

    @abstractmethod
    def value(self, sums: list[Array], size: int, samples: Array) -> Array:
        """Return the value from the sums, the team's size and the number of samples."""


MEASURES: Registry[type[Measure]] = Registry(
    "diversity measure", "selection.measures", Measure, user_code=True
)


def pair_sums(table: Array, teams: Teams, sets: Teams) -> Array:
    """Return (T, Q) the sum over pairs i < j of each team of table[set, i, j]."""
    members = table.shape[1]
    flat = table.reshape(-1)
    bases = np.ascontiguousarray(sets.T, np.intp) * (members * members)
    out = np.zeros((sets.shape[1], len(teams)))
    columns = np.ascontiguousarray(teams.T, np.intp)
    for i in range(len(columns)):
        row = columns[i] * members
        for j in range(i + 1, len(columns)):
            pair = row + columns[j]
            for q, base in enumerate(bases):
                out[q] += flat.take(base + pair, mode="clip")
    return out.T


def pairs(size: int) -> float:
    """Return the number of pairs in a team."""
    return size * (size - 1) / 2


def ratio(numerator: Array, denominator: Array, otherwise: float) -> Array:
    """Return numerator / denominator, and `otherwise` where the denominator is 0."""
    safe = np.where(denominator == 0, 1.0, denominator)
    return np.where(denominator == 0, otherwise, numerator / safe)


def team_diversity(
    predictions: NDArray[np.integer[Any]],
    labels: NDArray[np.integer[Any]],
    teams: Teams,
    *,
    measure: str,
    focal: int | None = None,
) -> Array:
    """Return the raw value of a measure for each team, neither flipped nor scaled.

    Parameters
    ----------
    predictions
        (M, N) int, predicted labels.
    labels
        (N,) int, true labels.
    teams
        (T, S) int, S ≥ 2 different pool rows each.
    measure
        A name in `MEASURES`.
    focal
        None for all samples, or a pool row: only the samples that member gets wrong.

    Returns
    -------
    (T,) float64.

    >>> team_diversity(np.array([[0, 1, 1], [0, 0, 1]]), np.array([0, 1, 1]),
    ...                np.array([[0, 1]]), measure="disagreement").round(3)
    array([0.333])
    """
    predictions, labels, teams = np.asarray(predictions), np.asarray(labels), np.asarray(teams)
    if predictions.ndim != 2 or labels.shape != predictions.shape[1:]:
        raise RequestError(
            f"predictions of shape {predictions.shape} and labels of shape {labels.shape}; "
            "expected (M, N) and (N,)"
        )
    check_teams(teams, len(predictions))
    if focal is not None and not 0 <= focal < len(predictions):
        raise RequestError(f"focal model {focal}; allowed 0..{len(predictions) - 1}")
    samples = SampleSets.whole(predictions, labels)
    if focal is not None:
        samples = SampleSets(predictions, labels, (predictions[focal] != labels)[None])
    return MEASURES[measure]().prepare(samples)(teams, np.zeros((len(teams), 1), int))[:, 0]


def check_teams(teams: Teams, members: int) -> None:
    """Raise unless teams are (T, S ≥ 2), of different rows of the pool."""
    if teams.ndim != 2 or not np.issubdtype(teams.dtype, np.integer):
        raise RequestError(f"teams are {teams.dtype} of shape {teams.shape}; expected int (T, S)")
    if teams.shape[1] < 2:
        raise RequestError(f"a team of {teams.shape[1]} has no diversity; allowed 2 and more")
    if teams.size and (teams.min() < 0 or teams.max() >= members):
        raise RequestError(
            f"teams name rows {teams.min()}..{teams.max()}; allowed 0..{members - 1}"
        )
    if (np.diff(np.sort(teams, 1), axis=1) == 0).any():
        raise RequestError("a team names one member twice; members of a team must differ")
