"""``ensemble select predictions.npz``: choose from predictions made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ensemble.files import seal, write_bytes_atomic, write_json_atomic
from pipelines.choose import candidates_csv
from pipelines.config import SelectionConfig
from pruning.errors import RequestError
from selection.choose import select
from selection.costs import Budget
from selection.files import read_predictions


def select_from_file(source: Path, out: Path | None, changes: dict[str, Any]) -> None:
    """Print the chosen team; with `out`, write ``selection.json`` and ``candidates.csv`` there."""
    if "pool" in changes:
        raise RequestError(f"--pool {changes['pool']} is for runs; {source} is one pool")
    pool, costs = read_predictions(source)
    config = SelectionConfig(**changes)
    selection = select(
        pool, config.method, config.size, costs=costs, voting=config.voting,
        budget=Budget(flops=config.max_flops, bytes=config.max_bytes),
    )  # fmt: skip
    print(
        f"chosen {len(selection.team)} of {len(pool)} by {selection.method}: "
        f"{', '.join(selection.team)}; accuracy {selection.accuracy:.3f} on {source.name}"
    )
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(out / "candidates.csv", candidates_csv(selection))
        write_json_atomic(out / "selection.json", seal(selection.to_json()))
        print(out / "selection.json")
