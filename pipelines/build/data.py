"""The data of a build: named in its configuration, or handed over as arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pipelines.run.config import BuildConfig, DataConfig
from pipelines.run.fingerprint import data_fingerprint
from pipelines.run.resolved import ResolvedConfig
from pruning.core.errors import RequestError
from pruning.data.load import load_splits
from pruning.data.sources import SOURCES
from pruning.data.splits import Splits, check_splits
from pruning.data.uneven import rare_classes
from pruning.networks.published_scaling import published_scaling
from pruning.samples.finding import LeftOut
from pruning.training.recipe import ClassWeights

HANDED_OVER = "arrays"
"""What a configuration names in place of a data set where the splits were given."""

FEW_SAMPLES = 150
"""Below so many the 95 % interval of an accuracy can be wider than ±8 points."""


@dataclass(frozen=True)
class BuildData:
    """What a build works on.

    Attributes
    ----------
    config
        What was asked; it names these data.
    splits
        The four parts.
    skipped
        Files that could not be read, or are no images, a line for each or for many alike.
    """

    config: BuildConfig
    splits: Splits
    skipped: tuple[str, ...] = ()


def load_data(config: BuildConfig) -> BuildData:
    """Read the data that a configuration names."""
    data = config.data
    loaded = load_splits(
        data.data,
        data_dir=Path(data.data_dir) if data.data_dir else None,
        seed=config.seed,
        image_size=data.size,
        fit=data.fit,
        axes=data.axes,
        groups=Path(data.groups) if data.groups else None,
        limit=data.limit,
    )
    skipped = tuple(f"{shown(file.path)}: {file.reason}" for file in loaded.skipped)
    return BuildData(config, loaded.splits, (*skipped, *left_out_lines(loaded.left_out)))


def left_out_lines(left_out: Sequence[LeftOut]) -> list[str]:
    """Return a line for the files that were left out for each reason."""
    reasons: dict[str, list[Path]] = {}
    for entry in left_out:
        reasons.setdefault(entry.reason, []).append(entry.path)
    return [
        f"{shown(paths[0])}{f' and {len(paths) - 1} more' if len(paths) > 1 else ''}: {reason}"
        for reason, paths in reasons.items()
    ]


def shown(path: Path) -> str:
    """Return a path as text that any file and terminal can hold."""
    return str(path).encode(errors="backslashreplace").decode()


def hand_over(config: BuildConfig, splits: Splits) -> BuildData:
    """Return given splits as a build's data; the configuration says that they were given."""
    check_splits(splits)
    handed_over = DataConfig(HANDED_OVER)
    if config.data not in (DataConfig(), handed_over):
        raise RequestError(
            f"splits are given, and the configuration asks for data {config.data.data!r}; "
            "give one of them"
        )
    return BuildData(dataclasses.replace(config, data=handed_over), splits)


def as_weights_expect(data: BuildData) -> BuildData:
    """Return the data scaled as the weights to start from were trained, where that is known."""
    splits, source = data.splits, data.config.dropnet.init
    found = source and published_scaling(source, splits.input_shape, splits.scaling)
    if not found:
        return data
    return dataclasses.replace(data, splits=dataclasses.replace(splits, scaling=found))


def scaled_as(resolved: ResolvedConfig, splits: Splits) -> Splits:
    """Return the data as networks of a run see them, whichever version began it."""
    if splits.scaling == resolved.scaling:
        return splits
    return dataclasses.replace(splits, scaling=resolved.scaling)


def same_data(resolved: ResolvedConfig, name: str) -> Splits:
    """Return the data that a run was built from.

    A relative path that leads nowhere from here is looked for from the folders above the run:
    one of them is where it was built.

    Parameters
    ----------
    resolved
        The run's.
    name
        Its folder.

    Raises
    ------
    RequestError
        If they are not there, or have changed.
    """
    given = resolved.config.data
    if given.data == HANDED_OVER:
        raise RequestError(
            f"{name} was built from arrays, which it does not hold; in Python, give the same "
            "build(config, splits, out) again and compare what it returns"
        )
    there = dataclasses.replace(
        given,
        data=given.data if given.data in SOURCES else _seen_from(Path(name), given.data),
        data_dir=given.data_dir and _seen_from(Path(name), given.data_dir),
        groups=given.groups and _seen_from(Path(name), given.groups),
    )
    if there.data not in SOURCES and not Path(there.data).expanduser().exists():
        raise RequestError(
            f"{name} was built from {given.data!r}, which is not there, seen from here or from a "
            "folder above the run; bring the data back, or give the command where it was built"
        )
    splits = load_data(dataclasses.replace(resolved.config, data=there)).splits
    if data_fingerprint(splits) != resolved.fingerprint:
        raise RequestError(
            f"{name} was built from other data than {there.data!r} holds now; "
            "bring the data back, or build again"
        )
    return scaled_as(resolved, splits)


def _seen_from(run: Path, path: str) -> str:
    """Return a path as it is, or as it is seen from the first folder above a run that has it."""
    asked = Path(path).expanduser()
    if asked.is_absolute() or asked.exists():
        return path
    return next((str(up / path) for up in run.resolve().parents if (up / path).exists()), path)


def uneven_classes(splits: Splits, weights: ClassWeights) -> list[str]:
    """Return a line on the rarest class, where it has few samples for the number of classes."""
    counts = np.bincount(splits.train.labels, minlength=len(splits.classes))
    rare = rare_classes(counts)
    if not rare:
        return []
    few, many = int(rare[0]), int(counts.argmax())
    line = (
        f"classes are uneven: {counts[few]:,} of {counts.sum():,} training samples are "
        f"{splits.classes.item(few)!r}, {counts[many]:,} {splits.classes.item(many)!r}; "
    )
    if weights == "balanced":
        return [line + "val accuracy is the mean over the classes"]
    return [
        line + f"always naming {splits.classes.item(many)!r} is right for "
        f"{100 * counts[many] / counts.sum():.1f} %, and chance is that; `class_weights` balanced "
        "lets every class count alike"
    ]


def flat_images(archs: Sequence[object], shape: tuple[int, ...]) -> list[str]:
    """Return a line where coloured images meet only the default network, which is for digits.

    >>> len(flat_images(["mlp-a"], (3, 32, 32))), flat_images(["mlp-a"], (1, 8, 8))
    (1, [])
    """
    if list(archs) != ["mlp-a"] or len(shape) != 3 or shape[0] != 3:
        return []
    return [
        "mlp-a takes an image as a row of numbers; on photos convolutions are usually more "
        "accurate, such as `archs` conv-c4"
    ]


def small_parts(splits: Splits) -> list[str]:
    """Return a line for each part that is too small to tell networks apart."""
    return [
        f"{name} has {samples} samples: an accuracy there is sure to ±{98 / samples**0.5:.0f} "
        "points (95 %); more images would say more"
        for name in ("select", "test")
        if (samples := splits.sizes[name]) < FEW_SAMPLES
    ]
