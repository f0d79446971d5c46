"""The selection stage: predictions on the selection split → the team, written down."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from ensemble.files import seal, write_bytes_atomic, write_json_atomic
from pipelines.config import SelectionConfig
from pipelines.evidence import member_id
from pipelines.predictions import Row, file_sha256, pool_rows, predicted
from pipelines.run import RunDirectory
from pruning.data.splits import Splits
from pruning.errors import RequestError
from selection.choose import select
from selection.costs import Budget, Costs
from selection.team import Selection


def choose_team(run: RunDirectory, splits: Splits, config: SelectionConfig) -> Selection:
    """Choose the team on the ``select`` split and write ``selection.json``, ``candidates.csv``.

    Predictions of the unpruned and the handed-on networks are made and kept too: the
    comparison wants them.
    """
    rows = pool_rows(run, config.pool)
    if config.size > len(rows):
        raise RequestError(
            f"--s {config.size} is more than the {len(rows)} networks of --pool {config.pool}; "
            f"allowed 1 to {len(rows)}"
        )
    wanted = sorted({*rows, *pool_rows(run, "mixed")})
    kept = predicted(run, wanted, "select", splits.select, device=run.root.device)
    pool = kept.rows(tuple(member_id(*row) for row in rows))
    selection = select(
        pool, config.method, config.size,
        costs=costs_of(run, rows), budget=Budget(flops=config.max_flops, bytes=config.max_bytes),
        voting=config.voting, seed=run.root.config.seed,
    )  # fmt: skip
    content = selection.to_json() | {"predictions_sha256": file_sha256(run.select_file)}
    write_bytes_atomic(run.candidates_file, candidates_csv(selection))
    write_json_atomic(run.selection_file, seal(content))
    return selection


def costs_of(run: RunDirectory, rows: tuple[Row, ...]) -> Costs:
    """Return the counted costs of pool rows."""
    entries = [run.history(number).rounds[k].cost for number, k in rows]
    return Costs(
        flops=np.array([cost.flops for cost in entries], float),
        bytes=np.array([cost.bytes for cost in entries], float),
    )


def candidates_csv(selection: Selection) -> bytes:
    """Return the candidates table as CSV."""
    text = io.StringIO()
    pd.DataFrame(selection.candidates).to_csv(text, index=False, lineterminator="\n")
    return text.getvalue().encode()


def candidates_table(data: bytes) -> np.ndarray[tuple[int], np.dtype[np.void]]:
    """Return the structured array that `candidates_csv` wrote."""
    frame = pd.read_csv(io.BytesIO(data), dtype={"team": str, "fell_by": str})
    frame = frame.fillna({"fell_by": ""})
    text = {name: f"U{max(frame[name].str.len().max(), 1)}" for name in ("team", "fell_by")}
    return frame.to_records(index=False, column_dtypes=text).view(np.ndarray)
