"""Fetching a published archive, or one line that says what to put where instead."""

from __future__ import annotations

import contextlib
import io
import logging
import socket
import tempfile
import warnings
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from pruning.core.errors import RequestError
from pruning.core.torchvision_compat import import_torchvision

SECONDS_TO_ANSWER = 10.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Archive:
    """One file to fetch and unpack: the addresses to try in turn, and its MD5 checksum."""

    urls: tuple[str, ...]
    md5: str


def default_data_dir(data_dir: Path | None) -> Path:
    """Return where data sets are kept: `data_dir`, or ``data`` in the current folder."""
    return Path("data") if data_dir is None else data_dir


def download(name: str, archives: Sequence[Archive], folder: Path, missing: Sequence[str]) -> None:
    """Fetch `archives`, check them, unpack them and move what they hold into `folder`.

    Nothing is left behind by a download that fails.

    Parameters
    ----------
    name, missing
        The data set and the files it lacks, for the error.
    archives
        What to fetch, by torchvision's downloader.
    folder
        Where the files belong.

    Raises
    ------
    RequestError
        When no address answers within `SECONDS_TO_ANSWER`, or an archive is damaged.
    """
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    try:
        with tempfile.TemporaryDirectory(dir=there, prefix=".download-") as temporary, _quiet():
            for archive in archives:
                _fetch(archive, Path(temporary))
            _move_files(Path(temporary, "unpacked"), folder)
    except (OSError, RuntimeError, HTTPException, EOFError, zlib.error) as error:
        raise RequestError(
            f"{name}: no {', '.join(missing)} in {folder}, and the download failed "
            f"({_reason(error)}); put the files there, or name their folder as `data_dir`"
        ) from error


def _fetch(archive: Archive, folder: Path) -> None:
    import_torchvision()
    from torchvision.datasets.utils import download_and_extract_archive

    for url in archive.urls:
        _log.info("downloading %s", url)
        try:
            download_and_extract_archive(url, folder, folder / "unpacked", md5=archive.md5)
            return
        except (OSError, RuntimeError, HTTPException) as error:
            if url == archive.urls[-1]:
                raise
            _log.info("%s: %s", url, _reason(error))


def _move_files(source: Path, destination: Path) -> None:
    for path in sorted(source.rglob("*")):
        if path.is_file():
            goal = destination / path.relative_to(source)
            goal.parent.mkdir(parents=True, exist_ok=True)
            path.replace(goal)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep the downloader's progress off the screen, and bound its wait for an answer."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(SECONDS_TO_ANSWER)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        socket.setdefaulttimeout(before)


def _reason(error: BaseException) -> str:
    cause = error.reason if isinstance(error, URLError) else error
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return (str(cause).splitlines() or [type(cause).__name__])[0]
