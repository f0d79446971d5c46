"""A run's and an ensemble's own files, which no command overwrites with something else."""

from __future__ import annotations

from pathlib import Path

from ensemble.storage.contents import is_run
from ensemble.storage.folder import ROOT
from pipelines.run.file_names import own_names
from pruning.core.errors import RequestError


def check_not_own(path: Path, argument: str) -> None:
    """Refuse to write to a run, an ensemble's folder, or a file that belongs to one.

    Parameters
    ----------
    path
        A file or folder that is to be written.
    argument
        What it is called in the message.
    """
    place = path.resolve()
    for folder in (place, *place.parents):
        below = place.relative_to(folder).parts
        if is_run(folder) and (not below or below[0] in own_names()):
            raise RequestError(
                f"`{argument}` {path} is {'a run' if not below else f'a file of the run {folder}'}"
                "; give another place"
            )
    folder = place if _holds(place) else place.parent
    of_it = place == folder or place.name == ROOT or place.name.startswith("member-")
    if _holds(folder) and of_it:
        raise RequestError(f"`{argument}` {path} is part of an ensemble; give another place")


def _holds(folder: Path) -> bool:
    """Whether an ensemble is there; a name that no file can have holds none."""
    try:
        return (folder / ROOT).is_file()
    except OSError:
        return False
