"""Does choosing for diversity pay, and up to which width? Random teams of pools of four widths."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipelines.report.number_format import p_value, percent, points, points_range
from pipelines.report.table import Table, plain_table
from pipelines.reproduction.paired import Paired, paired
from pipelines.reproduction.pools import TrainedPool, trained_pool
from pipelines.reproduction.study import QUICK, Row, Study
from pruning.core.seeds import numpy_generator
from pruning.data.splits import Splits
from selection.measures import team_diversity
from selection.search.accuracy import TeamAccuracy

SIZE, TEAMS, SHARE = 5, 150, 0.1
"""Members of a team, teams drawn of each pool, and the share of them that a rule would take."""

DIGITS = 5
RULES = ("diversity", "members", "team")
"""What teams are chosen by on ``select``: the members' disagreement, their mean accuracy, or
the accuracy of the team itself."""


@dataclass(frozen=True)
class DiversityStudy(Study):
    """For each width a pool; of each `TEAMS` teams, ranked by each of `RULES` on ``select``.

    Attributes
    ----------
    archs
        The widths, from narrow to wide, of one architecture.
    """

    archs: tuple[str, ...] = ()

    def asked(self, *, quick: bool) -> DiversityStudy:
        """Return the study, with seven networks a pool, little trained, where a look does."""
        return dataclasses.replace(self, members=7, **QUICK) if quick else self

    def described(self) -> dict[str, Any]:
        """Return the networks, how many of how many samples, and the teams."""
        return {
            "archs": list(self.archs), "members": self.members, "train": self.train, "size": SIZE,
            "teams": TEAMS, "share": SHARE,
        }  # fmt: skip

    def rows(self, seeds: Sequence[int], splits: Splits, device: str) -> Iterator[Row]:
        """Train a pool per seed and width, and rank its teams."""
        for seed in seeds:
            row: Row = {"seed": seed}
            for arch in self.archs:
                pool = trained_pool(
                    arch, self.members, seed, splits, self.train, device, self.epochs
                )
                found = ranked(pool, numpy_generator(seed, "teams"))
                row[arch] = {name: round(value, DIGITS) for name, value in found.items()}
            yield row

    def tables(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Table, ...]:
        """Return what each rule gains over a random team, by width, and the partial correlation."""
        tested = self._tested(rows)
        gains = plain_table(
            f"Test accuracy of the best tenth of {TEAMS} teams by each rule, less the mean of all",
            ("Network", "Mean member", "Mean team", *(f"By {rule}, points" for rule in RULES)),
            [
                (
                    arch,
                    percent(float(np.mean([row[arch]["member accuracy"] for row in rows]))),
                    percent(float(np.mean([row[arch]["team accuracy"] for row in rows]))),
                    *(_gain(tested[arch, rule]) for rule in RULES),
                )
                for arch in self.archs
            ],
        )
        partial = plain_table(
            "Diversity and a team's test accuracy, the members' mean accuracy held",
            ("Network", "Partial correlation", "95 % interval", "p"),
            [self._partial(arch, rows) for arch in self.archs],
        )
        return gains, partial

    def finding(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Return what choosing for diversity gains, from the narrowest to the widest."""
        tested = self._tested(rows)
        said = [points(tested[arch, "diversity"].mean.value) for arch in self.archs]
        return "choosing for diversity gains " + ", ".join(said) + " points, narrow to wide"

    def _tested(self, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Paired]:
        """Return what each rule gains with each width."""
        return paired(
            {
                (arch, rule): np.array([row[arch][rule] for row in rows])
                for arch in self.archs
                for rule in RULES
            }
        )

    def _partial(self, arch: str, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        values = np.array([row[arch]["partial correlation"] for row in rows])
        (found,) = paired({arch: values}).values()
        mean = found.mean
        return (
            arch, f"{mean.value:+.2f}", f"{mean.low:+.2f} to {mean.high:+.2f}", p_value(found.p),
        )  # fmt: skip


def _gain(gain: Paired) -> str:
    said = f"{points(gain.mean.value)} ({points_range(gain.mean)})"
    return said if gain.significant else f"{said}, not significant"


def ranked(pool: TrainedPool, rng: np.random.Generator) -> dict[str, float]:
    """Return what each rule gains on the test part over the mean of random teams.

    The partial correlation is of disagreement on ``select`` with test accuracy, over the teams,
    both less what the members' mean accuracy on ``select`` says of them.
    """
    members = len(pool.select.probabilities)
    drawn = [rng.choice(members, SIZE, replace=False) for _ in range(TEAMS)]
    teams = np.sort(np.array(drawn), axis=1)
    test = pool.accuracy(teams)
    predicted, labels = pool.select.probabilities.argmax(-1), pool.select.labels
    single = (predicted == labels).mean(1)
    by = {
        "diversity": team_diversity(predicted, labels, teams, measure="disagreement"),
        "members": single[teams].mean(1),
        "team": TeamAccuracy(pool.select, "mean", SIZE).right(teams).astype(float),
    }
    best = max(1, round(SHARE * TEAMS))
    gains = {
        rule: float(test[np.argsort(-values, kind="stable")[:best]].mean() - test.mean())
        for rule, values in by.items()
    }
    return {
        "member accuracy": float(pool.accuracy(np.arange(members)[:, None]).mean()),
        "team accuracy": float(test.mean()),
        **gains,
        "partial correlation": _partial(by["diversity"], test, by["members"]),
    }


def _partial(a: NDArray[np.float64], b: NDArray[np.float64], held: NDArray[np.float64]) -> float:
    def rest(values: NDArray[np.float64]) -> NDArray[np.float64]:
        slope, intercept = np.polyfit(held, values, 1)
        return np.asarray(values - slope * held - intercept)

    return float(np.corrcoef(rest(a), rest(b))[0, 1])
