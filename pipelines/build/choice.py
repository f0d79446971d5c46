"""The selection stage: predictions on the selection split → the team, written down."""

from __future__ import annotations

import numpy as np

from ensemble.storage.sealed import seal, write_bytes_atomic, write_json_atomic
from pipelines.build.latency import measure_latencies
from pipelines.run.config import SelectionConfig
from pipelines.run.directory import RunDirectory
from pipelines.run.member_ids import member_id
from pipelines.run.predictions import Row, file_sha256, pool_rows, predicted
from pruning.core.errors import RequestError
from pruning.data.splits import Splits
from selection.choosing import select_team
from selection.costs import PoolCosts
from selection.exchange import candidates_to_csv
from selection.team import Selection


def choose_team(run: RunDirectory, splits: Splits, config: SelectionConfig) -> Selection:
    """Choose the team on the ``select`` split and write ``selection.json``, ``candidates.csv``.

    Predictions of the unpruned and the handed-on networks are made and kept too: the
    comparison wants them.
    """
    rows = pool_rows(run, config.pool)
    if config.size > len(rows):
        raise RequestError(
            f"`size` {config.size} is more than the {len(rows)} networks of `pool` "
            f"{config.pool!r}; allowed 1 to {len(rows)}"
        )
    wanted = sorted({*rows, *pool_rows(run, "mixed")})
    kept = predicted(run, wanted, "select", splits.select, device=run.root.device)
    pool = kept.rows(tuple(member_id(*row) for row in rows))
    costs = costs_of(run, rows, timed=config.max_latency is not None)
    selection = select_team(
        pool, config.method, config.size, costs=costs, budget=config.budget,
        voting=config.voting, seed=run.root.config.seed, **config.method_options,
    )  # fmt: skip
    content = selection.to_json() | {"predictions_sha256": file_sha256(run.select_file)}
    write_bytes_atomic(run.candidates_file, candidates_to_csv(selection.candidates).encode())
    write_json_atomic(run.selection_file, seal(content))
    return selection


def costs_of(run: RunDirectory, rows: tuple[Row, ...], *, timed: bool = False) -> PoolCosts:
    """Return the counted costs of pool rows, and with `timed` their measured latency."""
    entries = [run.history(number).rounds[k].cost for number, k in rows]
    latency = None
    if timed:
        networks = [run.load_member(*row).network for row in rows]
        latency = measure_latencies(networks, run.root.input_shape)
    return PoolCosts(
        flops=np.array([cost.flops for cost in entries], float),
        bytes=np.array([cost.bytes for cost in entries], float),
        latency=latency,
    )
