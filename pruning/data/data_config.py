"""Which data are read, as a value; nothing is read to say it."""

from __future__ import annotations

from dataclasses import dataclass

from pruning.core.option_checks import check_options
from pruning.core.options import RegistryNames, option


@dataclass(frozen=True)
class DataConfig:
    """Which data; see `pruning.data.load.load_splits`."""

    data: str = option(
        "digits",
        "A known data set, a folder with a folder per class, or an .npz with X and y.",
        names=RegistryNames("pruning.data.sources:SOURCES", package="pruning.data.sources"),
        open=True, metavar="NAME|PATH",
    )  # fmt: skip
    data_dir: str | None = option(
        None, "Where the files of a known data set are, or go.", unset="data", metavar="DIR"
    )
    image_size: int | None = option(
        None, "Side in pixels to which the images of a folder are brought.", least=1,
        unset="as the images are",
    )  # fmt: skip
    limit: int | None = option(
        None, "Use at most this many training, validation and selection samples together.",
        least=1, unset="all",
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_options(self)
