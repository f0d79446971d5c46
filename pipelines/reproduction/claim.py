"""What is reproduced, as values: a claim, its figures, the curves of each."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Literal

from pruning.dropnet.settings import DropNet, Rewinding
from pruning.training.recipe import RECIPES

PAPER = DropNet(
    score_mode="published",
    spare_last=False,
    kappa=0.0,
    keep=0.0,
    rewinding=Rewinding("initial", rescale=False),
    recipe=dataclasses.replace(RECIPES["paper"], shuffle=False),
)
"""Training, scores and masks of the published code of Tan & Motani 2020."""

OURS = DropNet(kappa=0.0, keep=0.0)
"""The project's defaults, as far down as the published curves go."""

METRICS = (
    "minimum", "minimum_layer", "random", "random_layer", "maximum", "maximum_layer",
)  # fmt: skip
"""The six metrics of the paper: what is dropped first, over all layers or within each."""

METRIC_PAIRS = tuple(
    (better + end, worse + end)
    for end in ("", "_layer")
    for better, worse in (("minimum", "random"), ("random", "maximum"))
)
"""The paper's words: the least active units first is best, at random between, the most last."""

OURS_SUFFIX = "@ours"
"""Ends the name of a curve that the project's own recipe made."""


@dataclass(frozen=True)
class Curve:
    """One curve: accuracy against the units that remain.

    Attributes
    ----------
    name
        In its figure, and of its file.
    settings
        What Algorithm 1 is run with; how many rounds says `published`, or `rounds`.
    published
        The curve of the published figure that it is held against; empty: none.
    start
        ``"own"`` where each round starts as the settings say; ``"redrawn"`` where the masks of
        those runs are trained from fresh weights, as in the paper's control.
    """

    name: str
    settings: DropNet
    published: str = ""
    start: Literal["own", "redrawn"] = "own"


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
    """

    title: str
    source: str
    figures: tuple[Figure, ...]
    pairs: tuple[tuple[str, str], ...] = ()
    card: bool = False


TAN_MOTANI = (
    "Tan & Motani, DropNet: Reducing Neural Network Complexity via Iterative Pruning, ICML 2020"
)


def metric_curves(
    fraction: float = 0.2, *, metrics: tuple[str, ...] = METRICS
) -> tuple[Curve, ...]:
    """Return a curve for each metric as published, and one by the project's own recipe."""
    return tuple(
        Curve(
            metric + suffix,
            dataclasses.replace(settings, metric=metric, fraction=fraction),
            "" if suffix else metric,
        )
        for suffix, settings in (("", PAPER), (OURS_SUFFIX, OURS))
        for metric in metrics
    )
