"""What was chosen by its accuracy on one split, and does less well on another."""

from __future__ import annotations

import math

from pipelines.compare.interval import Interval
from pipelines.compare.mean_intervals import share_difference, wilson
from pipelines.compare.results import Result


def select_test_gap(row: Result, select_samples: int) -> Interval:
    """Return a contender's accuracy on ``select`` less that on ``test``, with its interval.

    This is the gap that was seen once, on this test split.
    `selection.optimism.estimate_optimism` estimates what to expect of it from ``select``
    alone, before any test.

    Parameters
    ----------
    row
        A contender that was chosen by its accuracy on ``select``; NaN for any other.
    select_samples
        How many samples ``select`` has.
    """
    if row.select_accuracy is None:
        return Interval(math.nan)
    on_select = wilson(round(row.select_accuracy * select_samples), select_samples)
    return share_difference(on_select, row.accuracy)
