"""Does HQ gain more over the whole pool where the pool's networks are pruned?"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import nn

from pipelines.report.number_format import p_value, percent, points, points_range
from pipelines.report.table import Table, plain_table
from pipelines.reproduction.dropnet_curve import METRICS
from pipelines.reproduction.paired import Paired, paired
from pipelines.reproduction.pools import (
    APART,
    TrainedPool,
    best_of_every_size,
    drawn_training,
    pool_of,
)
from pipelines.reproduction.published import published_curve
from pipelines.reproduction.study import QUICK, Row, Study
from pruning.data.splits import Splits
from pruning.dropnet.algorithm import dropnet
from pruning.dropnet.population import Runs
from pruning.dropnet.settings import DropNet
from pruning.training.recipe import Recipe

TABLES = {
    "minimum": "table 4", "maximum": "table 5", "random": "table 6", "minimum_layer": "table 7",
    "maximum_layer": "table 8", "random_layer": "table 9",
}  # fmt: skip
"""Where each metric's pools were published."""

LEVELS = {0: "unpruned", 1: "a fifth pruned", 3: "half pruned"}
"""Rounds of dropping a fifth, after which 100, 80 and 51 % of the units remain."""

FRACTION = 0.2
LOOK = ("mlp-a:5-5", "mlp-a:10-10", "mlp-a:20-20")
DIGITS = 5


@dataclass(frozen=True)
class PrunedPoolsStudy(Study):
    """Pools of one network per architecture; HQ's choice of each against the whole of it.

    A row is the mean over `copies` pools of the same training samples and other first weights.

    Attributes
    ----------
    archs
        One for each of a pool's networks.
    copies
        Pools that train side by side.
    metrics
        By which units are dropped.
    """

    archs: tuple[str, ...] = ()
    copies: int = 4
    metrics: tuple[str, ...] = METRICS

    def asked(self, *, quick: bool) -> PrunedPoolsStudy:
        """Return the study; a look is one little trained pool of three small MLPs by one metric."""
        few = {**QUICK, "copies": 1, "metrics": self.metrics[:1], "archs": LOOK}
        return dataclasses.replace(self, **few) if quick else self

    def described(self) -> dict[str, Any]:
        """Return the networks, the samples, and how they are pruned."""
        return {
            "archs": list(self.archs), "train": self.train, "copies": self.copies,
            "metrics": list(self.metrics), "fraction": FRACTION, "rounds": list(LEVELS),
        }  # fmt: skip

    def rows(self, seeds: Sequence[int], splits: Splits, device: str) -> Iterator[Row]:
        """Train and prune pools per seed and metric; choose on ``select``, judge on ``test``."""
        for seed in seeds:
            data = drawn_training(splits, self.train, seed)
            row: Row = {"seed": seed}
            for metric in self.metrics:
                row[metric] = {
                    LEVELS[level]: self._judged(pools, splits, seed, device)
                    for level, pools in self._pruned(metric, data, seed, device).items()
                }
            yield row

    def _pruned(
        self, metric: str, data: Splits, seed: int, device: str
    ) -> dict[int, list[list[nn.Module]]]:
        """Return, after each of `LEVELS`, each copy's networks, one per architecture."""
        settings = DropNet(
            metric=metric, fraction=FRACTION, rounds=max(LEVELS), kappa=0.0, keep=0.0,
            recipe=Recipe(max_epochs=self.epochs),
        )  # fmt: skip
        numbers = tuple(range(self.copies))
        runs = [
            Runs(arch, numbers, tuple(APART * seed + self.copies * place + i for i in numbers))
            for place, arch in enumerate(self.archs)
        ]
        pools: dict[int, list[list[nn.Module]]] = {level: [[] for _ in numbers] for level in LEVELS}
        for of_one_arch in runs:
            for members in dropnet(of_one_arch, data, settings, device=device):
                if members[0].round in pools:
                    for pool, member in zip(pools[members[0].round], members, strict=True):
                        pool.append(member.network)
        return pools

    def _judged(
        self, pools: Sequence[Sequence[nn.Module]], splits: Splits, seed: int, device: str
    ) -> dict[str, float]:
        found = [judged(pool_of(networks, splits, device), seed) for networks in pools]
        return {
            name: round(float(np.mean([one[name] for one in found])), DIGITS) for name in found[0]
        }

    def tables(self, rows: Sequence[Mapping[str, Any]]) -> tuple[Table, ...]:
        """Return what HQ's choice gains over the whole pool, here and as published."""
        tested = self._tested(rows)
        return (
            plain_table(
                "HQ's choice less the whole pool, on the test part",
                ("Metric", "Pool", "Whole pool", "HQ's size", "HQ's gain, points", "p",
                 "Published"),
                [
                    self._line(metric, place, tested[metric, level], rows)
                    for metric in self._made(rows)
                    for place, level in enumerate(LEVELS.values())
                ],
            ),
        )  # fmt: skip

    def finding(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """Return HQ's mean gain at each level, and how many of all gains are significant."""
        means = paired({
            level: np.mean([_gains(rows, metric, level) for metric in self._made(rows)], axis=0)
            for level in LEVELS.values()
        })  # fmt: skip
        found = self._tested(rows).values()
        more, less = (sum(g.significant and g.mean.value * sign > 0 for g in found)
                      for sign in (1, -1))  # fmt: skip
        said = ", ".join(
            f"{level} {points(gain.mean.value)} (p {p_value(gain.p)})"
            for level, gain in means.items()
        )
        return (
            f"HQ less the whole pool, points: {said}; of {len(found)} pools, {more} gain and "
            f"{less} lose significantly"
        )

    def _made(self, rows: Sequence[Mapping[str, Any]]) -> list[str]:
        """Return the metrics that there are rows of: a look has fewer."""
        return [metric for metric in self.metrics if metric in rows[0]]

    def _tested(self, rows: Sequence[Mapping[str, Any]]) -> dict[tuple[str, str], Paired]:
        return paired(
            {
                (metric, level): _gains(rows, metric, level)
                for metric in self._made(rows)
                for level in LEVELS.values()
            }
        )

    def _line(
        self, metric: str, place: int, gain: Paired, rows: Sequence[Mapping[str, Any]]
    ) -> tuple[str, ...]:
        level = list(LEVELS.values())[place]
        values = [row[metric][level] for row in rows]
        chosen, whole = (
            published_curve(TABLES[metric], name).accuracy[place] for name in ("chosen", "all")
        )
        said = f"{points(gain.mean.value)} ({points_range(gain.mean)})"
        return (
            metric,
            level,
            percent(float(np.mean([value["all"] for value in values]))),
            f"{np.mean([value['hq size'] for value in values]):.1f}",
            said if gain.significant else f"{said}, not significant",
            p_value(gain.p),
            points(chosen - whole),
        )


def judged(pool: TrainedPool, seed: int) -> dict[str, float]:
    """Return the test accuracy of a whole pool and of HQ's choice, and how many those are."""
    everyone = tuple(range(len(pool.select.probabilities)))
    team = best_of_every_size("hq", pool, seed)
    whole, chosen = (float(pool.accuracy([who])[0]) for who in (everyone, team))
    return {"all": whole, "hq": chosen, "hq size": float(len(team))}


def _gains(
    rows: Sequence[Mapping[str, Any]], metric: str, level: str
) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.array([row[metric][level]["hq"] - row[metric][level]["all"] for row in rows])
