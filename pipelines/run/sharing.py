"""One run's members for another: what `ensemble select` chooses from again."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from pipelines.run.directory import RunDirectory


def share_members(source: RunDirectory, target: RunDirectory) -> None:
    """Give `target` the members of `source` and their predictions.

    Files of members are never written again, so they are linked where links can be made.
    """
    for file in sorted(source.members_folder.rglob("*.*")):
        _link(file, target.path / file.relative_to(source.path))
    for file in sorted(source.predictions_folder.glob("*.npz")):
        copy = target.path / file.relative_to(source.path)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)


def _link(source: Path, target: Path) -> None:
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
