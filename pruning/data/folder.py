"""A folder of class folders: ``photos/<class>/<image>``, or that below train/ and test/."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pruning.core.errors import RequestError
from pruning.data.raw import RawData, encode
from pruning.samples.images import SUFFIXES, find_images, is_hidden

ClassFiles = Mapping[str, tuple[Path, ...]]

_PARTS = frozenset(("train", "test"))
_LIKE_PARTS = _PARTS | {"training", "testing", "val", "valid", "validation"}


def read_folder(folder: Path) -> RawData:
    """List a folder's images with their classes, the folders' names.

    Class folders stand in `folder` itself, or in ``train/`` and, as the given test part,
    ``test/`` (upper or lower case). Images count at any depth below a class; other files
    and hidden ones do not.

    Raises
    ------
    RequestError
        When there are no class folders with images, when other parts (``val/``) stand
        beside ``train/``, or when ``test/`` has a class that ``train/`` has not.
    """
    parts = _parts(folder)
    if not parts:
        return labelled_files(class_files(folder))
    if "train" not in parts or parts.keys() - _PARTS:
        found = ", ".join(f"{path.name}/" for path in parts.values())
        raise RequestError(
            f"{folder} is cut into {found}; allowed are train/ with or without test/: "
            "merge the others into train/ or move them away"
        )
    test = class_files(parts["test"]) if "test" in parts else None
    return labelled_files(class_files(parts["train"]), test)


def class_files(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the images of each class folder in `folder`, by class name, sorted."""
    found = {path.name: find_images(path) for path in _subfolders(folder)}
    if not any(found.values()):
        raise RequestError(
            f"{folder} has no class folders with images; expected {folder}/<class>/<image> "
            f"with one of {' '.join(sorted(SUFFIXES))}"
        )
    return found


def labelled_files(train: ClassFiles, test: ClassFiles | None = None) -> RawData:
    """Return the files of every class with labels; `test` becomes the given test part.

    Raises
    ------
    RequestError
        For a class without files, or one that only `test` has.
    """
    test = test or {}
    if unknown := sorted(test.keys() - train.keys()):
        raise RequestError(f"class {unknown[0]!r} is in the test part only; known: {sorted(train)}")
    if empty := [name for name in sorted(train) if not train[name]]:
        raise RequestError(
            f"class {empty[0]!r} has 0 images; add some or remove its folder "
            f"(images end in {' '.join(sorted(SUFFIXES))})"
        )
    pairs = [(path, name) for part in (train, test) for name in part for path in part[name]]
    labels, classes = encode([name for _, name in pairs])
    in_train = sum(map(len, train.values()))
    return RawData(tuple(path for path, _ in pairs), labels, classes, in_train if test else None)


def _parts(folder: Path) -> dict[str, Path]:
    """Return the subfolders that are parts of a data set; a class called train is none."""
    named = {path.name.lower(): path for path in _subfolders(folder)}
    return {name: path for name, path in named.items() if name in _LIKE_PARTS and _subfolders(path)}


def _subfolders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not is_hidden(p.name))
