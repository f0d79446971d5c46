"""A folder of class folders: ``photos/<class>/<image>``, or that below train/, val/ and test/."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import Path

from pruning.core.errors import RequestError
from pruning.data.raw import RawData, encode
from pruning.samples.finding import SUFFIXES, LeftOut, find_images, is_hidden, why_no_image

ClassFiles = Mapping[str, tuple[Path, ...]]

_PARTS = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
    "test": "test", "testing": "test",
}  # fmt: skip
"""What folders of parts are called, and what that part is."""


def read_folder(folder: Path) -> RawData:
    """List a folder's images with their classes, the folders' names.

    Class folders stand in `folder` itself, or in ``train/`` and, as given parts, ``val/`` and
    ``test/`` (also called training, valid, validation, dev, testing; upper or lower case).
    Images count at any depth below a class, through links, too. Whatever else is there, besides
    hidden files, is named in what is left out.

    Raises
    ------
    RequestError
        When there are no class folders with images, a part is there twice or without
        ``train/``, or another part has a class that ``train/`` has not.
    """
    parts = _parts(folder)
    if not parts:
        return labelled_files(*_found(folder))
    if "train" not in parts:
        there = ", ".join(f"{path.name}/" for path in parts.values())
        raise RequestError(
            f"{folder} is cut into {there} and has no train/; allowed are train/ with or without "
            "val/ and test/"
        )
    found = {name: _found(path) for name, path in parts.items()}
    files = {name: images for name, (images, _) in found.items()}
    left_out = [entry for _, others in found.values() for entry in others]
    left_out += _beside(folder)
    return labelled_files(
        files["train"], left_out, val=files.get("val"), test=files.get("test")
    )  # fmt: skip


def class_files(folder: Path) -> dict[str, tuple[Path, ...]]:
    """Return the images of each class folder in `folder`, by class name, sorted."""
    return _found(folder)[0]


def labelled_files(
    train: ClassFiles,
    left_out: list[LeftOut] | tuple[LeftOut, ...] = (),
    *,
    val: ClassFiles | None = None,
    test: ClassFiles | None = None,
) -> RawData:
    """Return the files of every class with labels; `val` and `test` become given parts.

    Raises
    ------
    RequestError
        For a class without files, or one that ``train`` lacks.
    """
    given = {"train": train, "val": val or {}, "test": test or {}}
    for part, files in given.items():
        if unknown := sorted(files.keys() - train.keys()):
            raise RequestError(
                f"class {unknown[0]!r} is in the {part} part and not in train; "
                f"known: {sorted(train)}"
            )
    if empty := [name for name in sorted(train) if not train[name]]:
        raise RequestError(
            f"class {empty[0]!r} has 0 images; add some or remove its folder "
            f"(images end in {' '.join(sorted(SUFFIXES))}){_such_as(left_out)}"
        )
    pairs = [
        (path, name) for files in given.values() for name in files for path in files[name]
    ]  # fmt: skip
    labels, classes = encode([name for _, name in pairs])
    in_train, in_val, in_test = (sum(map(len, files.values())) for files in given.values())
    return RawData(
        tuple(path for path, _ in pairs), labels, classes,
        test_from=in_train + in_val if in_test else None,
        val_from=in_train if in_val else None,
        left_out=tuple(left_out),
    )  # fmt: skip


def _found(folder: Path) -> tuple[dict[str, tuple[Path, ...]], list[LeftOut]]:
    """Return the images of each class folder, and all else that is in `folder`.

    Names that differ only in how accents are spelt (NFC, NFD) are one class.
    """
    found: dict[str, tuple[Path, ...]] = {}
    left_out = _beside(folder)
    for path in _subfolders(folder):
        images, others = find_images(path)
        name = _class_name(path)
        found[name] = (*found.get(name, ()), *images)
        left_out += others
    if not any(found.values()):
        raise RequestError(
            f"{folder} has no class folders with images; expected {folder}/<class>/<image> "
            f"with one of {' '.join(sorted(SUFFIXES))}{_such_as(left_out)}"
        )
    return found, left_out


def _class_name(path: Path) -> str:
    name = unicodedata.normalize("NFC", path.name)
    try:
        name.encode()
    except UnicodeEncodeError:
        shown = name.encode(errors="backslashreplace").decode()
        raise RequestError(
            f"the name of class folder {shown!r} is not UTF-8, as class names must be; rename it"
        ) from None
    return name


def _beside(folder: Path) -> list[LeftOut]:
    """Return the files that stand where class folders are expected."""
    files = sorted(p for p in folder.iterdir() if not p.is_dir() and not is_hidden(p.name))
    reason = "stands beside the folders of classes, not in one"
    return [why_no_image(path) or LeftOut(path, reason) for path in files]


def _such_as(left_out: list[LeftOut] | tuple[LeftOut, ...]) -> str:
    if not left_out:
        return ""
    first, reason = left_out[0].path, left_out[0].reason.partition(";")[0]
    return f"; left out: {len(left_out)} files, such as {first}, which {reason}"


def _parts(folder: Path) -> dict[str, Path]:
    """Return the subfolders that are parts of a data set; a class called train is none."""
    parts: dict[str, Path] = {}
    for path in _subfolders(folder):
        part = _PARTS.get(path.name.lower())
        if part is None or not _subfolders(path):
            continue
        if part in parts:
            raise RequestError(
                f"{folder} has {parts[part].name}/ and {path.name}/, both its {part} part; "
                "merge them or move one away"
            )
        parts[part] = path
    return parts


def _subfolders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not is_hidden(p.name))
