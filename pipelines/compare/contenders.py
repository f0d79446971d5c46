"""Who is compared, as values: one row of the comparison, and who is brought along to it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.calibration import temper
from pipelines.compare.measurements import NOT_MEASURED, Measurements
from pipelines.compare.probability_scores import Reliability, SampleScores, reliability, score
from pruning.inference.cost import Cost

ALL_UNPRUNED = "all_unpruned"
ALL_PRUNED = "all_pruned"
RANDOM = "random_s_pruned"
SINGLE_BEST = "single_best_unpruned"
SELECTED = "selected"
ALL = "all"
EVERYONE = (ALL_UNPRUNED, ALL)
"""All members together: of a run, and of predictions made elsewhere."""

RANDOM_TEAMS = 100
"""Draws that a random team's numbers are the means over."""

ONNX, INT8, CASCADE = "selected_onnx", "selected_int8", "selected_cascade"
EXPORTED = (ONNX, INT8)


@dataclass(frozen=True)
class Calibrated:
    """The same prediction at a temperature fitted on the selection split.

    Attributes
    ----------
    temperature
        Above 1 makes less sure.
    scores
        On the test split; the predicted classes are those at temperature 1.
    """

    temperature: float
    scores: SampleScores

    @classmethod
    def of(
        cls, temperature: float, probabilities: NDArray[np.float32], labels: NDArray[np.int64]
    ) -> Calibrated:
        """Return it from the (N, C) probabilities at temperature 1 on the test split."""
        tempered = temper(probabilities, temperature).astype(np.float32)
        return cls(temperature, score(tempered, labels))


@dataclass(frozen=True)
class Contender:
    """One row of the comparison.

    Attributes
    ----------
    name
        Its name in ``comparison.csv``.
    members
        How many networks vote.
    scores
        Its scores on the test split.
    cost
        Per sample, its members run one after another.
    measured
        Latency and memory, where measured.
    select_accuracy
        Accuracy on the selection split, where the contender was chosen by it.
    calibrated
        At a fitted temperature; None for a mean over draws.
    team
        Names of its members, where it is one team of the run's.
    epochs_seen
        Epochs that its networks have behind them, on average; NaN where that is not known.
    brought
        Whether it is no team of every comparison but was brought along, and is tested
        against the selected team too.
    """

    name: str
    members: int
    scores: SampleScores
    cost: Cost
    measured: Measurements = NOT_MEASURED
    select_accuracy: float | None = None
    calibrated: Calibrated | None = None
    team: tuple[str, ...] = ()
    epochs_seen: float = math.nan
    brought: bool = False

    @classmethod
    def of(
        cls,
        name: str,
        members: int,
        probabilities: NDArray[np.float32],
        labels: NDArray[np.int64],
        cost: Cost,
        *,
        temperature: float | None = None,
        epochs_seen: float | None = None,
    ) -> Contender:
        """Return a contender brought along, from its (N, C) probabilities on the test split."""
        tempered = (
            None if temperature is None else Calibrated.of(temperature, probabilities, labels)
        )
        return cls(
            name, members, score(probabilities, labels), cost, calibrated=tempered, brought=True,
            epochs_seen=math.nan if epochs_seen is None else epochs_seen,
        )  # fmt: skip

    @property
    def reliability(self) -> Reliability:
        """Its confidence against its accuracy; a ValueError for a mean over draws."""
        if self.scores.confidence is None:
            raise ValueError(f"{self.name} is a mean over draws and has no reliability diagram")
        return reliability(self.scores.confidence, self.scores.correct)


@dataclass(frozen=True)
class OtherForms:
    """Who is compared besides the run's teams: the control, and the chosen team's other forms.

    Attributes
    ----------
    contenders
        One for each form that is there.
    notes
        Why a form that is there was not compared, a sentence each.
    """

    contenders: tuple[Contender, ...] = ()
    notes: tuple[str, ...] = ()


NOBODY = OtherForms()
"""The run's own teams alone are compared."""
