"""One run's members for another: what `ensemble select` chooses from again."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from pipelines.run.directory import RunDirectory
from pipelines.run.file_names import SPLITS
from pipelines.run.member_files import history_to_json
from pipelines.run.records import RunHistory


def share_members(
    source: RunDirectory, target: RunDirectory, histories: Iterable[RunHistory]
) -> None:
    """Give `target` the members of `source`, of these `histories`, and their predictions.

    Files of rounds are never written again, so they are linked where links can be made; the
    histories that name them are written anew, as the target's own.
    """
    for file in sorted(source.members_folder.rglob("round-*.safetensors")):
        _link(file, target.path / file.relative_to(source.path))
    for history in histories:
        target.keep_history(history.run, history_to_json(history))
    for split in SPLITS:
        if (pool := source.predictions(split)) is not None:
            target.keep_predictions(pool)


def _link(source: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
