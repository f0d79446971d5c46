"""``ensemble select``: choose again, without training."""

from __future__ import annotations

import dataclasses
import os
import shutil
from pathlib import Path
from typing import Any

import click

from pipelines.build.choice import choose_team
from pipelines.build.handover import make_ensemble
from pipelines.build.story import load_data
from pipelines.commands.choice_text import chosen_lines, reasons
from pipelines.run.directory import Root, RunDirectory
from pipelines.run.predictions import read_predictions
from pipelines.run.selection_config import SelectionConfig
from pruning.core.errors import RequestError
from pruning.core.settings import changed
from selection.team import Selection


def run_select(*, source: str, out: str | None, **options: Any) -> None:
    """Choose from a run into a new run's folder, or from an ``.npz`` of predictions."""
    if source.endswith(".npz"):
        from pipelines.commands.select_file import select_from_file

        select_from_file(Path(source), Path(out) if out else None, options)
        return
    run = RunDirectory.existing(Path(source))
    if not run.selection_file.is_file():
        click.echo(
            f"{run.path} has made no choice of its own: if its build was stopped, networks may "
            "not be pruned as far as they go; give the `ensemble build` command again to go on",
            err=True,
        )
    asked = changed(run.root.config.selection, options)
    selection = choose_again(run, Path(out) if out else None, asked)
    for line in [*chosen_lines(selection, asked, "the selection split"), *reasons(selection)]:
        print(line)
    print(f"\nnext: ensemble compare {out}")


def choose_again(run: RunDirectory, out: Path | None, asked: SelectionConfig) -> Selection:
    """Make a run at `out` with the members of `run` and another choice; nothing is trained."""
    asked.check_own()
    if out is None:
        raise RequestError(f"choosing again from {run.path} needs a new folder: give --out")
    root = run.root
    config = dataclasses.replace(root.config, selection=asked)
    run.check_members()  # an unfinished or damaged run is refused before anything is written
    if run.select_file.exists():
        read_predictions(run.select_file, "select")
    new, fresh = RunDirectory(out), not out.exists()
    new.open(dataclasses.replace(root, config=config))
    try:
        return _choose_into(new, run, asked)
    except BaseException:
        if fresh:  # a choice that cannot be made leaves no folder in the way of the next
            shutil.rmtree(out)
        raise


def _choose_into(new: RunDirectory, run: RunDirectory, asked: SelectionConfig) -> Selection:
    for source in sorted((run.path / "members").rglob("*.*")):
        _share(source, new.path / source.relative_to(run.path))
    for source in (run.select_file, run.test_file):
        if source.exists():
            target = new.path / source.relative_to(run.path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
    selection = choose_team(new, _splits(run.root), asked)
    make_ensemble(new, selection)
    return selection


def _splits(root: Root) -> Any:
    return load_data(root.config).splits


def _share(source: Path, target: Path) -> None:
    """Link a file that is never written again; copy it where links cannot be made."""
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
