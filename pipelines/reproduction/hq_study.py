"""Which team of how many does each method choose of ten, and does it beat all ten?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pipelines.report.number_format import p_value, percent, points, points_range
from pipelines.report.table import Table, plain_table
from pipelines.reproduction.paired import Paired, paired
from pipelines.reproduction.pools import TrainedPool, best_of_every_size, trained_pool
from pipelines.reproduction.study import QUICK, Row, Study
from pruning.core.seeds import numpy_generator
from pruning.data.splits import Splits

CHOOSERS = ("hq", "soft", "greedy", "caruana", "top")
"""Methods that are asked for a team of every size, of which the most accurate is taken."""

WHOLE = "all"
RANDOM = "random, as many as hq"
DRAWS = 200
DIGITS = 5


@dataclass(frozen=True)
class HqStudy(Study):
    """Pools of `members` networks; each method chooses of every size on ``select``.

    Attributes
    ----------
    arch
        Of all of a pool's networks.
    """

    arch: str = "mlp-a"

    def asked(self, *, quick: bool) -> HqStudy:
        """Return the study, with five networks little trained where a look does."""
        return dataclasses.replace(self, members=5, **QUICK) if quick else self

    def described(self) -> dict[str, Any]:
        """Return the networks, and how many there are of how many samples."""
        return {"arch": self.arch, "members": self.members, "train": self.train}

    def rows(self, seeds: Sequence[int], splits: Splits, device: str) -> Iterator[Row]:
        """Train a pool per seed, choose, and judge on the test part."""
        for seed in seeds:
            pool = trained_pool(
                self.arch, self.members, seed, splits, self.train, device, self.epochs
            )
            yield {"seed": seed, **self._judged(pool, seed)}

    def _judged(self, pool: TrainedPool, seed: int) -> Row:
        everyone = np.arange(self.members)
        best = int(np.argmax([
            (p.argmax(-1) == pool.select.labels).mean() for p in pool.select.probabilities
        ]))  # fmt: skip
        row: Row = {
            WHOLE: float(pool.accuracy(everyone[None])[0]),
            "best single": float(pool.accuracy([[best]])[0]),
        }
        for name in CHOOSERS:
            team = best_of_every_size(name, pool, seed)
            row |= {name: float(pool.accuracy([team])[0]), f"{name} size": len(team)}
        rng = numpy_generator(seed, "teams")
        drawn = [rng.choice(everyone, row["hq size"], replace=False) for _ in range(DRAWS)]
        row[RANDOM] = float(pool.accuracy(np.array(drawn)).mean())
        return {k: round(v, DIGITS) if isinstance(v, float) else v for k, v in row.items()}

    def tables(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Table, ...]:
        """Return each contender's accuracy, and its difference from the whole pool."""
        return (
            plain_table(
                f"Against all {self.members}, on the test part",
                ("Contender", "Members", "Accuracy", f"− all {self.members}, points",
                 "95 % interval", "p", ""),
                [self._line(name, apart, rows) for name, apart in self._tested(rows).items()],
            ),
        )  # fmt: skip

    def finding(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Return how HQ's team and ours stand to the whole pool."""
        said = self._tested(rows)
        return "; ".join(
            f"{name} {points(said[name].mean.value)} points to all {self.members} "
            f"(p {p_value(said[name].p)})"
            for name in ("hq", "soft")
        )

    def _tested(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Paired]:
        """Return each contender's difference from the whole pool."""
        left_out = {"seed", WHOLE, *(f"{name} size" for name in CHOOSERS)}
        return paired(
            {
                name: np.array([row[name] - row[WHOLE] for row in rows])
                for name in rows[0]
                if name not in left_out
            }
        )

    def _line(self, name: str, apart: Paired, rows: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
        sized = "hq size" if name == RANDOM else f"{name} size"
        sizes = [row.get(sized, 1) for row in rows]
        said = "more" if apart.mean.value > 0 else "less"
        return (
            name,
            f"{np.mean(sizes):.1f}",
            percent(float(np.mean([row[name] for row in rows]))),
            points(apart.mean.value),
            points_range(apart.mean),
            p_value(apart.p),
            f"{said} accurate" if apart.significant else "no significant difference",
        )
