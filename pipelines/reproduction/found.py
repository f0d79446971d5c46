"""What was found: the runs of a figure's curves as arrays, and the tests on them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pipelines.compare.interval import CONFIDENCE
from pipelines.reproduction.agreement import FEWEST_RUNS, Agreement, agreement
from pipelines.reproduction.claim import OURS_SUFFIX, Claim, Curve, Figure, Run
from pipelines.reproduction.ordering import Order, mean_along, orders
from pipelines.reproduction.published import PublishedCurve, published_curve
from pipelines.reproduction.row_files import read_header, read_rows
from pipelines.reproduction.study import Row, Study


@dataclass(frozen=True, eq=False)
class FoundCurve:
    """One curve's runs.

    Attributes
    ----------
    name
        In its figure.
    remaining
        (K,) shares of the units.
    accuracy
        (n, K) on the test part.
    epochs
        (n, K) of training.
    data
        The data set, or the folder of images, that was read.
    published
        What it is held against; None: nothing.
    agreement
        How that went; None where it was not, or with too few runs.
    """

    name: str
    remaining: NDArray[np.float64]
    accuracy: NDArray[np.float64]
    epochs: NDArray[np.int64]
    data: str
    published: PublishedCurve | None = None
    agreement: Agreement | None = None

    @property
    def mean(self) -> NDArray[np.float64]:
        """(K,) mean accuracy."""
        return np.asarray(self.accuracy.mean(0))

    @property
    def half_width(self) -> NDArray[np.float64]:
        """(K,) half of the mean's 95 % interval by t; 0 for a single run."""
        n = len(self.accuracy)
        if n < 2:
            return np.zeros(len(self.remaining))
        quantile = stats.t.ppf(0.5 + CONFIDENCE / 2, n - 1)
        return np.asarray(quantile * self.accuracy.std(0, ddof=1) / np.sqrt(n))

    @property
    def along(self) -> NDArray[np.float64]:
        """(n,) mean accuracy of each run over the share that remains."""
        return mean_along(self.remaining, self.accuracy)


@dataclass(frozen=True, eq=False)
class FoundFigure:
    """A figure as far as its runs have got.

    Attributes
    ----------
    figure
        What was asked.
    curves
        By name, those that have runs.
    orders
        The pairs that could be tested: as published first, then by the project's own recipe.
    """

    figure: Figure
    curves: dict[str, FoundCurve]
    orders: tuple[Order, ...]

    @property
    def as_published(self) -> tuple[FoundCurve, ...]:
        """The curves by the published recipe."""
        return tuple(c for c in self.curves.values() if not c.name.endswith(OURS_SUFFIX))

    def ours(self, name: str) -> FoundCurve | None:
        """The curve of the same metric by the project's own recipe."""
        return self.curves.get(name + OURS_SUFFIX)


def found_figures(claim: Claim, folder: Path) -> tuple[FoundFigure, ...]:
    """Return the figures of a claim that have runs in its folder."""
    found = (_found(figure, claim, folder / figure.name) for figure in claim.figures)
    return tuple(figure for figure in found if figure.curves)


def _found(figure: Figure, claim: Claim, folder: Path) -> FoundFigure:
    read = (_curve(figure, curve, folder / f"{curve.name}.jsonl") for curve in figure.curves)
    curves = {curve.name: curve for curve in read if curve is not None}
    tested: tuple[Order, ...] = ()
    for end in ("", OURS_SUFFIX):
        pairs = tuple(
            (better + end, worse + end)
            for better, worse in claim.pairs
            if _comparable(curves, better + end, worse + end)
        )
        along = {name: curves[name].along for pair in pairs for name in pair}
        tested += orders(along, pairs) if pairs else ()
    return FoundFigure(figure, curves, tested)


def _comparable(curves: dict[str, FoundCurve], better: str, worse: str) -> bool:
    return all(
        name in curves and len(curves[name].accuracy) >= FEWEST_RUNS for name in (better, worse)
    )


def _curve(figure: Figure, curve: Curve, path: Path) -> FoundCurve | None:
    runs = [Run(**row) for row in read_rows(path)]
    if not runs:
        return None
    published = published_curve(figure.published, curve.published) if curve.published else None
    accuracy = np.array([run.accuracy for run in runs])
    whole = published is not None and len(published.remaining) == accuracy.shape[1]
    held = None
    if published is not None and whole and len(runs) >= FEWEST_RUNS:
        held = agreement(accuracy, published, figure.published_runs)
    return FoundCurve(
        curve.name, np.array(runs[0].remaining), accuracy, np.array([r.epochs for r in runs]),
        str(read_header(path)["data"]), published, held,
    )  # fmt: skip


def found_studies(claim: Claim, folder: Path) -> tuple[tuple[Study, list[Row]], ...]:
    """Return the studies of a claim of which there are rows enough to say something."""
    read = ((study, read_rows(folder / f"{study.name}.jsonl")) for study in claim.studies)
    return tuple((study, rows) for study, rows in read if len(rows) >= FEWEST_RUNS)
