"""``ensemble select predictions.npz``: choose from predictions made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from pipelines.commands.choice_text import chosen_lines, reasons
from pipelines.commands.outcome import quoted
from pipelines.run.choice_files import Choice, check_replaceable, keep_choice, selection_file
from pipelines.run.own_files import check_not_own
from pipelines.run.selection_config import SelectionConfig
from pruning.core.errors import RequestError
from selection.chance import chance_line
from selection.choosing import select_team
from selection.costs import PoolCosts
from selection.given import read_given

MOST_SHOWN = 10
"""Classes that are shown, the first ones."""


def select_from_file(source: Path, out: Path | None, options: dict[str, Any]) -> None:
    """Print the chosen team; with `out`, write the choice and what it read there."""
    if options.get("pool"):
        raise RequestError(f"`pool` {options['pool']!r} is for runs; {source} is one pool")
    if out is not None:
        check_not_own(out, "out")
        check_replaceable(out, model=False)
    given = read_given(source)
    if given.classes is not None and not given.told:
        shown = ", ".join(given.class_names[:MOST_SHOWN])
        more = ", …" if len(given.class_names) > MOST_SHOWN else ""
        click.echo(
            f"columns of probabilities are taken for {shown}{more}, in this order; an array "
            "classes says otherwise",
            err=True,
        )
    if doubt := chance_line(given.pool):
        click.echo(doubt, err=True)
    config = SelectionConfig.of_pool(options, len(given.pool))
    selection = select_team(
        given.pool, config.method, config.size, costs=given.costs, voting=config.voting,
        budget=config.budget, **config.method_options,
    )  # fmt: skip
    for line in [*chosen_lines(selection, config, source.name), *reasons(selection)]:
        print(line)
    if out is not None:
        keep_choice(
            Choice(
                source.name, given.class_names, given.costs or PoolCosts(), selection, given.pool,
                given.test,
            ),
            out,
        )  # fmt: skip
        more = "" if given.test else " --test FILE.npz"
        print(f"{selection_file(out)}\n\nnext: ensemble compare {quoted(out)}{more}")
