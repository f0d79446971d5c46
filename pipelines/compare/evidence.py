"""What a finished run knows, as values: the input of the comparison and of the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipelines.run.records import RoundRecord
from selection.pool import PoolPredictions
from selection.team import Selection


@dataclass(frozen=True, eq=False)
class Evidence:
    """Everything one run recorded that a comparison or a report may show.

    Attributes
    ----------
    name
        What the run is called: its directory's name, where it has one.
    config
        ``config.json`` as read: what was asked and resolved, versions, seeds.
    classes
        Class names, as text, in the order of the probability columns.
    split_sizes
        Samples in train, val, select and test.
    members
        Every round of every run, ordered by (run, round).
    handed_on
        Those of them that are the pruned pool: of each run the smallest that still held.
    select, test
        Predictions on the two splits; each holds at least round 0 and the handed-on round
        of every run, and the selected team. Rows are named by `member_id`.
    selection
        What was chosen, with its candidates.
    test_images
        (N, C, H, W) uint8, or None where samples are feature rows.
    test_sha256
        Of the test samples; empty where it is not known.
    """

    name: str
    config: Mapping[str, object]
    classes: tuple[str, ...]
    split_sizes: Mapping[str, int]
    members: tuple[RoundRecord, ...]
    handed_on: tuple[RoundRecord, ...]
    select: PoolPredictions
    test: PoolPredictions
    selection: Selection
    test_images: NDArray[np.uint8] | None
    test_sha256: str = ""

    @property
    def unpruned(self) -> tuple[RoundRecord, ...]:
        """Round 0 of every run."""
        return tuple(member for member in self.members if member.round == 0)

    @property
    def team(self) -> tuple[RoundRecord, ...]:
        """The selected members, in the order in which they vote."""
        by_id = {member.id: member for member in self.members}
        return tuple(by_id[name] for name in self.selection.team)
