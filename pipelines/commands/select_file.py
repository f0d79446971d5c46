"""``ensemble select predictions.npz``: choose from predictions made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ensemble.storage.sealed import seal, write_bytes_atomic, write_json_atomic
from pipelines.commands.choice_text import chosen_lines, reasons
from pipelines.run.selection_config import SelectionConfig
from pruning.core.errors import RequestError
from pruning.core.settings_tree import made
from selection.choosing import select_team
from selection.exchange import candidates_to_csv, columns_taken, read_predictions

MOST_SHOWN = 10
"""Classes that are shown, the first ones."""


def select_from_file(source: Path, out: Path | None, options: dict[str, Any]) -> None:
    """Print the chosen team; with `out`, write ``selection.json`` and ``candidates.csv`` there."""
    if options.get("pool"):
        raise RequestError(f"`pool` {options['pool']!r} is for runs; {source} is one pool")
    pool, costs = read_predictions(source)
    if (taken := columns_taken(source)) is not None:
        shown = ", ".join(map(str, taken[:MOST_SHOWN].tolist()))
        more = ", …" if len(taken) > MOST_SHOWN else ""
        click.echo(
            f"columns of probabilities are taken for {shown}{more}, in this order; an array "
            "classes says otherwise",
            err=True,
        )
    config = made(SelectionConfig, options)
    selection = select_team(
        pool, config.method, config.size, costs=costs, voting=config.voting,
        budget=config.budget, **config.method_options,
    )  # fmt: skip
    for line in [*chosen_lines(selection, config, source.name), *reasons(selection)]:
        print(line)
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        write_bytes_atomic(
            out / "candidates.csv",
            candidates_to_csv(selection.candidates, pool.member_ids).encode(),
        )
        write_json_atomic(out / "selection.json", seal(selection.to_json()))
        print(out / "selection.json")
