"""Reading and writing files of a run so that each is known to be the run's own."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ensemble.storage.contents import Contents, check_bound, read_bound, replacing
from ensemble.storage.sealed import sha256_of, unseal, write_bytes_atomic
from pruning.core.errors import DamagedRunError, RequestError


class BoundFiles:
    """The files of one run, as ``files.json`` names them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def name(self, file: Path) -> str:
        """Return what ``files.json`` calls a file."""
        return file.relative_to(self._folder).as_posix()

    def sealed(self, file: Path, way_out: str) -> dict[str, Any]:
        """Return the content of a JSON file, known to be the run's own."""
        return unsealed(self.bound(file, way_out), file)

    def bound(self, file: Path, way_out: str) -> bytes:
        """Return a file, known to be the run's own; else a DamagedRunError says the way out.

        Of a run of version 1 nobody may know.
        """
        try:
            return check_bound(self._folder, self.name(file), way_out)
        except RequestError as error:
            raise DamagedRunError(str(error)) from error

    def check_read(self, way_out: str, checksums: Mapping[Path, str]) -> None:
        """Raise as `bound` does for a file that has been read, by its checksum then."""
        contents = Contents.of(self._folder)
        for file, checksum in checksums.items():
            if contents.holds(self.name(file), checksum) is False:
                self.bound(file, way_out)  # which a writer may have replaced meanwhile

    def own(self, file: Path) -> bytes | None:
        """Return a file; None where there is none, or not the run's own: it is made again."""
        if not file.is_file():
            return None
        try:
            data, held = read_bound(self._folder, self.name(file))
        except RequestError as error:
            raise DamagedRunError(str(error)) from error
        return None if held is False else data

    def keep(self, *files: tuple[Path, bytes], resting_on: Iterable[Path] = ()) -> None:
        """Write files, one after another, and name them, with those that they rest on."""
        named = {self.name(file): sha256_of(data) for file, data in files}
        with replacing(self._folder, {**named, **self._checksums(resting_on)}):
            for file, data in files:
                file.parent.mkdir(parents=True, exist_ok=True)
                write_bytes_atomic(file, data)

    @contextmanager
    def placing(self) -> Iterator[Path]:
        """Yield an empty folder; files that the block writes there are named, and move to the run.

        Where the block raises, or its process is killed, the run stays as it was.
        """
        fresh = self._folder / f".placing.{secrets.token_hex(8)}"  # which `clear_drafts` knows
        fresh.mkdir()
        try:
            yield fresh
            files = sorted(fresh.iterdir())
            with replacing(self._folder, {file.name: sha256_of(read(file)) for file in files}):
                for file in files:
                    file.replace(self._folder / file.name)
        except RequestError as error:  # speaks of where the file was to be
            raise RequestError(str(error).replace(str(fresh), str(self._folder))) from error
        finally:
            shutil.rmtree(fresh, ignore_errors=True)

    def _checksums(self, files: Iterable[Path]) -> dict[str, str]:
        return {self.name(file): sha256_of(read(file)) for file in files}


def read(file: Path) -> bytes:
    """Return a file that must be there."""
    try:
        return file.read_bytes()
    except OSError as error:
        raise DamagedRunError(f"{file} cannot be read: {error.strerror}") from error


def unsealed(data: bytes, file: Path) -> dict[str, Any]:
    """Return what a sealed JSON file holds."""
    try:
        return unseal(data, str(file))
    except RequestError as error:
        raise DamagedRunError(str(error)) from error
