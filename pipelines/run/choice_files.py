"""The files of a choice from predictions made elsewhere: what was chosen, and from what.

choice.json                       where from, classes, costs; names and checksums the others
selection.json, candidates.csv
predictions/select.npz, test.npz  as given; test.npz where there is one
ensemble.onnx                     the team as one file, where `ensemble combine` made it
comparison.csv, report.html
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ensemble.storage.contents import CHOICE as _ROOT
from ensemble.storage.contents import CONFIG, MOST_BYTES
from ensemble.storage.fields import Fields
from ensemble.storage.folder import ONNX
from ensemble.storage.regular import read_regular
from ensemble.storage.sealed import (
    seal,
    sha256_of,
    unseal,
    write_bytes_atomic,
    write_json_atomic,
)
from pipelines.run.chosen_files import ChosenFiles
from pipelines.run.prediction_files import read_npz
from pruning.core.errors import DamagedRunError, RequestError
from selection.costs import PoolCosts
from selection.exchange import candidates_from_csv, candidates_to_csv, predictions_to_npz
from selection.pool import PoolPredictions
from selection.team import Selection

FORMAT = "dropnet-choice"
FORMAT_VERSION = 1
_BELOW = ChosenFiles(Path())
_SELECTION, _CANDIDATES = _BELOW.selection_file.name, _BELOW.candidates_file.name
_SELECT, _TEST = (_BELOW.predictions_file(split).as_posix() for split in ("select", "test"))
_MOST = 1_000_000


@dataclass(frozen=True)
class Choice:
    """A team chosen from predictions, with everything that its comparison reads.

    Attributes
    ----------
    source
        Name of the file that the predictions came in.
    classes
        As text, in the order of the columns.
    costs
        What the members cost, where that was said.
    selection
        The team and why.
    select, test
        The predictions that it was chosen on, and others; None where none were given.
    """

    source: str
    classes: tuple[str, ...]
    costs: PoolCosts
    selection: Selection
    select: PoolPredictions
    test: PoolPredictions | None = None


def is_choice(folder: Path) -> bool:
    """Return whether a folder holds a choice from predictions."""
    return (folder / _ROOT).is_file()


def selection_file(folder: Path) -> Path:
    """Return where a choice's team is written."""
    return ChosenFiles(folder).selection_file


def model_file(folder: Path) -> Path:
    """Return where the team is as one file, if a choice has one."""
    return ChosenFiles(folder).onnx_file


def check_replaceable(folder: Path, *, model: bool) -> None:
    """Refuse a folder that a choice cannot be written to, with a model of its own or without.

    Raises
    ------
    RequestError
        If the folder is a run's, or holds a model that would be of another choice.
    """
    if (folder / CONFIG).exists():
        raise RequestError(f"{folder} is a run, with a choice of its own; give a new folder")
    if not model and model_file(folder).exists():
        raise RequestError(f"{folder} holds {ONNX}, the model of another choice; give a new folder")


def keep_choice(choice: Choice, folder: Path, model: bytes | None = None) -> None:
    """Write a choice into a folder, in place of an earlier one; the file that names all comes last.

    Parameters
    ----------
    choice
        What was chosen, and from what.
    folder
        Where.
    model
        The team as one file; None where there is none.

    Raises
    ------
    RequestError
        If the folder is a run's, or holds the model of another choice and this one has none.
    """
    check_replaceable(folder, model=model is not None)
    names = choice.select.member_ids
    candidates = candidates_to_csv(choice.selection.candidates, names).encode()
    ChosenFiles(folder).predictions_folder.mkdir(parents=True, exist_ok=True)
    write_bytes_atomic(folder / _CANDIDATES, candidates)
    write_bytes_atomic(folder / _SELECT, predictions_to_npz(choice.select))
    write_json_atomic(selection_file(folder), seal(choice.selection.to_json()))
    if model is not None:
        write_bytes_atomic(model_file(folder), model)
    _keep_root(choice, folder, model=model is not None)


def keep_test(choice: Choice, folder: Path) -> None:
    """Write the test predictions of a choice that is there, and then the file that names all."""
    _keep_root(choice, folder, model=ONNX in names_of(folder))


def _keep_root(choice: Choice, folder: Path, *, model: bool) -> None:
    names = [_SELECTION, _CANDIDATES, _SELECT, *([ONNX] if model else ())]
    if choice.test is not None:
        names.append(_TEST)
        write_bytes_atomic(folder / _TEST, predictions_to_npz(choice.test))
    content = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "source": choice.source,
        "classes": list(choice.classes),
        "costs": {kind: values.tolist() for kind, values in choice.costs},
        "files": {name: sha256_of((folder / name).read_bytes()) for name in names},
    }
    write_json_atomic(folder / _ROOT, seal(content))


def choice_fingerprint(folder: Path) -> str:
    """Return the SHA-256 of a choice's ``choice.json``, every file that it names checked.

    Raises
    ------
    DamagedRunError
        If a file is not what was written.
    """
    read_choice(folder)
    return sha256_of(_read(folder / _ROOT))


def names_of(folder: Path) -> tuple[str, ...]:
    """Return the files below a choice's folder that its ``choice.json`` names."""
    return _named(_about(folder))


def read_choice(folder: Path) -> Choice:
    """Return the choice that a folder holds.

    Raises
    ------
    DamagedRunError
        If a file is not what was written.
    """
    try:
        about = _about(folder)
        files = about.inner("files")
        for name in _named(about):
            _check(folder / name, files.text(name))
        select = _predictions(folder, _SELECT, "select")
        costs = about.inner("costs")
        return Choice(
            about.text("source"),
            tuple(str(name) for name in about.items("classes", _MOST)),
            PoolCosts.of(
                **{kind: costs.numbers(kind, 0, float("inf"), _MOST) for kind in costs.values}
            ),
            Selection.from_json(
                unseal(_read(folder / _SELECTION), str(folder / _SELECTION)),
                candidates_from_csv(_read(folder / _CANDIDATES).decode()),
            ),
            select,
            _predictions(folder, _TEST, "test") if _TEST in files.values else None,
        )
    except (RequestError, OSError, KeyError, TypeError, ValueError) as error:
        raise DamagedRunError(f"{error}; give the command that chose again") from error


def _about(folder: Path) -> Fields:
    root = folder / _ROOT
    about = Fields(str(root), unseal(_read(root), str(root)))
    if (about.text("format"), about.whole("format_version", 0, 999)) != (FORMAT, FORMAT_VERSION):
        raise RequestError(f"{root} was written by another version of this project")
    return about


def _named(about: Fields) -> tuple[str, ...]:
    given = about.inner("files").values
    always = (_SELECTION, _CANDIDATES, _SELECT)
    return (*always, *(name for name in (_TEST, ONNX) if name in given))


def _read(file: Path) -> bytes:
    return read_regular(file, MOST_BYTES, links=True)


def _check(file: Path, stated: str) -> None:
    if sha256_of(_read(file)) != stated:
        raise RequestError(f"{file} is not what was written")


def _predictions(folder: Path, name: str, split: str) -> PoolPredictions:
    found = read_npz(folder / name, split)
    if found is None:
        raise RequestError(f"{folder / name} is missing")
    return found
