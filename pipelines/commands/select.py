"""``ensemble select``: choose again, without training."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path
from typing import Any

import click

from pipelines.build.data import same_data
from pipelines.build.device import where_it_was
from pipelines.build.story import choose
from pipelines.commands.choice_text import chosen_lines, reasons
from pipelines.commands.outcome import quoted
from pipelines.run.directory import RunDirectory
from pipelines.run.opening import writing_run
from pipelines.run.selection_config import SelectionConfig
from pipelines.run.sharing import share_members
from pruning.core.errors import RequestError
from selection.team import Selection


def run_select(*, source: str, out: str | None, **options: Any) -> None:
    """Choose from a run into a new run's folder, or from an ``.npz`` of predictions."""
    if source.endswith(".npz"):
        from pipelines.commands.select_file import select_from_file

        select_from_file(Path(source), Path(out) if out else None, options)
        return
    if Path(source).is_file():
        raise RequestError(
            f"{source} is neither the folder of a run nor an .npz file; predictions made elsewhere "
            "go into one, np.savez('predictions.npz', probabilities=p, labels=y), of shapes "
            "(M, N, C) and (N,)"
        )
    run = RunDirectory.existing(Path(source))
    if run.unchecked:
        click.echo(f"ensemble: {run.unchecked}", err=True)
    asked = run.resolved.config.selection.changed_by(options)
    selection = choose_again(run, Path(out) if out else None, asked)
    if not run.finished:
        click.echo(
            f"ensemble: {run.path} has made no choice of its own: if its build was stopped, "
            "networks may not be pruned as far as they go; give the `ensemble build` command again "
            "to go on",
            err=True,
        )
    for line in [*chosen_lines(selection, asked, "the selection split"), *reasons(selection)]:
        print(line)
    print(f"\nnext: ensemble compare {quoted(out)}")


def choose_again(run: RunDirectory, out: Path | None, asked: SelectionConfig) -> Selection:
    """Make a run at `out` with the members of `run` and another choice; nothing is trained."""
    asked.check_own()
    if out is None:
        raise RequestError(f"choosing again from {run.path} needs a new folder: give --out")
    if out.exists() and out.samefile(run.path):
        raise RequestError(f"--out {out} is the run that is chosen from; give a new folder")
    histories = run.trained_histories()
    for history in histories:  # a damaged run is refused before anything is written
        for record in history.rounds:
            record.check()
    run.predictions("select")
    splits = same_data(run.resolved, str(run.path))
    fresh = not out.exists()
    config = run.resolved.config.choosing(asked)
    with writing_run(out, dataclasses.replace(run.resolved, config=config)) as new:
        try:
            share_members(run, new, histories)
            device = where_it_was(new.resolved.device)
            return choose(new, splits, histories, device).selection
        except BaseException:
            if fresh:  # a choice that cannot be made leaves no folder in the way of the next
                shutil.rmtree(out)
            raise
