"""`tiny-imagenet`: 200 classes of 500 + 50 photographs of 64 × 64, in its published layout."""

from __future__ import annotations

from pathlib import Path

from pruning.core.errors import RequestError
from pruning.data.download import default_data_dir
from pruning.data.folder import class_files, labelled_files
from pruning.data.raw import RawData
from pruning.data.sources import SOURCES

ADDRESS = "http://cs231n.stanford.edu/tiny-imagenet-200.zip"


@SOURCES.register("tiny-imagenet")
def tiny_imagenet(data_dir: Path | None = None) -> RawData:
    """List ``<data_dir>/tiny-imagenet-200``, or `data_dir` itself where it is that folder.

    Classes are WordNet ids. ``val/``, labelled by ``val_annotations.txt``, is the test
    part; the published ``test/`` has no labels and is not read.

    Raises
    ------
    RequestError
        When the files are not there, or the annotations do not fit them.
    """
    folder = default_data_dir(data_dir)
    if not (folder / "val" / "val_annotations.txt").is_file():
        folder = folder / "tiny-imagenet-200"
    annotations = folder / "val" / "val_annotations.txt"
    for needed in (annotations, folder / "train", folder / "val" / "images"):
        if not needed.exists():
            raise RequestError(
                f"tiny-imagenet: no {needed}; unpack {ADDRESS} in "
                f"{default_data_dir(data_dir)}, or name its folder as `data_dir`"
            )
    return labelled_files(class_files(folder / "train"), test=_annotated(annotations))


def _annotated(annotations: Path) -> dict[str, tuple[Path, ...]]:
    """Return the validation images of each class; a line is file, class and a box, by tabs."""
    images = annotations.parent / "images"
    found: dict[str, list[Path]] = {}
    for number, line in enumerate(annotations.read_text(encoding="utf-8").splitlines(), start=1):
        fields = line.split("\t")
        if len(fields) < 2 or not (images / fields[0]).is_file():
            raise RequestError(f"{annotations} line {number}: no image {fields[0]!r} in {images}")
        found.setdefault(fields[1], []).append(images / fields[0])
    return {name: tuple(sorted(paths)) for name, paths in sorted(found.items())}
