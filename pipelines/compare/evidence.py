"""What a finished run knows, as values: the input of the comparison and of the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.run.member_ids import member_id
from pruning.inference.cost import Cost
from selection.pool import PoolPredictions
from selection.team import Selection


@dataclass(frozen=True)
class MemberRecord:
    """One round of one DropNet run, without its weights.

    Attributes
    ----------
    run, round
        Which DropNet run, and which of its rounds; round 0 is the unpruned network.
    arch, seed
        Architecture name and the run's own seed.
    remaining
        Prunable units left, as a share of round 0's, in (0, 1].
    val_accuracy
        Accuracy on ``val`` of the weights kept.
    epochs
        Epochs trained in this round.
    cost
        Of the physically smaller network.
    widths
        Layer name → (units left, units of round 0).
    handed_on
        Whether this is the round its run hands on to the pruned pool.
    collapsed
        Whether the network never left chance.
    """

    run: int
    round: int
    arch: str
    seed: int
    remaining: float
    val_accuracy: float
    epochs: int
    cost: Cost
    widths: Mapping[str, tuple[int, int]]
    handed_on: bool
    collapsed: bool

    @property
    def id(self) -> str:
        """The pool row's name."""
        return member_id(self.run, self.round)


@dataclass(frozen=True)
class Evidence:
    """Everything one run recorded that a comparison or a report may show.

    Attributes
    ----------
    name
        The run directory's name.
    config
        ``config.json`` as read: what was asked and resolved, versions, seeds.
    classes
        Class names, as text, in the order of the probability columns.
    split_sizes
        Samples in train, val, select and test.
    members
        Every round of every run, ordered by (run, round).
    select, test
        Predictions on the two splits; each holds at least round 0 and the handed-on round
        of every run, and the selected team. Rows are named by `member_id`.
    selection
        What was chosen, with its candidates.
    test_images
        (N, C, H, W) uint8, or None where samples are feature rows.
    """

    name: str
    config: Mapping[str, object]
    classes: tuple[str, ...]
    split_sizes: Mapping[str, int]
    members: tuple[MemberRecord, ...]
    select: PoolPredictions
    test: PoolPredictions
    selection: Selection
    test_images: NDArray[np.uint8] | None
    test_sha256: str = ""
