"""How much is spent on a reproduction: all of it, or a look that takes seconds."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from pipelines.reproduction.claim import OURS_SUFFIX, Curve, Figure
from pipelines.reproduction.published import published_curve
from pipelines.reproduction.study import Study
from pruning.data.splits import Split, Splits

QUICK_SEEDS, QUICK_ROUNDS = 2, 3
QUICK_ENLARGED = 4
"""Digits of 8 × 8 become images of 32 × 32, which every architecture takes."""

USUAL_BLOCK = 15
"""Seeds that train as one population."""


@dataclass(frozen=True)
class Budget:
    """How many runs, and how long.

    Attributes
    ----------
    quick
        Whether a few epochs on the digits do, to see the code run.
    seeds
        Runs of each curve; None: as many as its figure is asked for.
    time_limit
        Seconds after which no further runs are begun; None: no end.
    block
        Runs that train as one population, and are written together.
    """

    quick: bool = False
    seeds: int | None = None
    time_limit: float | None = None
    block: int = USUAL_BLOCK

    @property
    def data(self) -> str:
        """The data set in place of the figure's; empty: the figure's."""
        return "digits" if self.quick else ""

    def seeds_of(self, part: Figure | Study) -> int:
        """Return how many runs each curve of a figure gets, or how many pools a study."""
        return self.seeds or (QUICK_SEEDS if self.quick else part.seeds)

    def is_over(self, seconds: float) -> bool:
        """Whether nothing further is begun after so many seconds."""
        return self.time_limit is not None and seconds >= self.time_limit

    def remaining_of(self, figure: Figure, curve: Curve) -> tuple[float, ...]:
        """Return the shares of units after each round that is run; published are all."""
        name = curve.published or curve.name.removesuffix(OURS_SUFFIX)
        remaining = published_curve(figure.published, name).remaining
        return remaining[: QUICK_ROUNDS + 1] if self.quick else remaining

    def enlarged(self, splits: Splits) -> Splits:
        """Return the data, the digits of a quick look enlarged."""
        if not self.quick:
            return splits
        train, test = _enlarged(splits.train), _enlarged(splits.test)
        val, select = _enlarged(splits.val), _enlarged(splits.select)
        shape = train.images.shape[1:]
        return dataclasses.replace(
            splits, train=train, val=val, select=select, test=test, input_shape=shape
        )


def _enlarged(part: Split) -> Split:
    images = np.asarray(part.images, np.uint8).repeat(QUICK_ENLARGED, -1)
    return Split(images.repeat(QUICK_ENLARGED, -2), part.labels)
