"""The selection stage: the pool's predictions and costs → the team."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from pipelines.run.config import SelectionConfig
from pipelines.run.records import RoundRecord
from pruning.core.errors import RequestError
from pruning.inference.latency import measure_latencies
from selection.choosing import select_team
from selection.costs import PoolCosts
from selection.pool import PoolPredictions
from selection.team import Selection


def check_size(config: SelectionConfig, pool: Sequence[RoundRecord]) -> None:
    """Refuse, before anything is predicted, a team larger than its pool."""
    if config.size > len(pool):
        raise RequestError(
            f"`size` {config.size} is more than the {len(pool)} networks of `pool` "
            f"{config.pool!r}; allowed 1 to {len(pool)}"
        )


def choose_team(
    pool: PoolPredictions, costs: PoolCosts, config: SelectionConfig, seed: int
) -> Selection:
    """Choose the team of a pool, as a configuration asks, on the ``select`` split."""
    return select_team(
        pool, config.method, config.size, costs=costs, budget=config.budget,
        voting=config.voting, seed=seed, **config.method_options,
    )  # fmt: skip


def pool_costs(pool: Sequence[RoundRecord], timed_on: tuple[int, ...] | None = None) -> PoolCosts:
    """Return the counted costs of a pool's networks, one after another.

    Parameters
    ----------
    pool
        The rounds.
    timed_on
        The shape of a sample, where their latency is to be measured too.
    """
    latency = None
    if timed_on is not None:
        latency = measure_latencies([record.load().network for record in pool], timed_on)
    return PoolCosts(
        flops=np.array([record.cost.flops for record in pool], float),
        bytes=np.array([record.cost.bytes for record in pool], float),
        latency=latency,
    )
