"""The histories of a run's members: each names its run, and the checksums of its rounds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ensemble.storage.sealed import seal, sha256_of, write_json_atomic
from pipelines.run.bound_files import read, unsealed
from pipelines.run.file_names import RunFiles
from pipelines.run.member_files import history_from_json
from pipelines.run.records import RunHistory
from pipelines.run.resolved import ResolvedConfig
from pruning.core.errors import DamagedRunError
from pruning.networks.architecture import architecture_name


class HistoryFiles:
    """Histories on disk, known to be of one run.

    Parameters
    ----------
    files
        Where they are.
    go_on
        The way out of a damaged one.
    """

    def __init__(self, files: RunFiles, go_on: str) -> None:
        self._files, self._go_on = files, go_on
        self.checksums: dict[Path, str] = {}
        """Of each file that has been read, as it was then."""

    def there(self, members: int) -> list[Path]:
        """Return the files of the members that have begun."""
        return [file for file in map(self._files.history_file, range(members)) if file.is_file()]

    def keep(self, run: int, content: Mapping[str, Any], checksum: str) -> None:
        """Write a member's history.

        Parameters
        ----------
        run, content
            Which member, and what is known of it.
        checksum
            Of what the run's ``config.json`` says, by which the history knows its run.
        """
        own = {**content, "config_checksum": checksum}
        write_json_atomic(self._files.history_file(run), seal(own))

    def read(
        self, run: int, resolved: ResolvedConfig, config_format: int, checksum: str
    ) -> RunHistory | None:
        """Return a member's history; None where it has not begun.

        Parameters
        ----------
        run
            Which member.
        resolved, config_format, checksum
            What the run's ``config.json`` says, in which format, and its checksum.

        Raises
        ------
        DamagedRunError
            If it is damaged, or of another member, or of another run as far as that is known:
            histories of format 1 may not name theirs.
        """
        file = self._files.history_file(run)
        if not file.exists():
            return None
        try:
            data = read(file)
            content = unsealed(data, file)
        except DamagedRunError as error:
            raise DamagedRunError(f"{error}, or {self._anew(file)}") from error
        self.checksums[file] = sha256_of(data)
        try:
            nameless = config_format == 1 and "config_checksum" not in content
            own = nameless or content.get("config_checksum") == checksum
            if not own or not _is_of(content, run, resolved):
                raise DamagedRunError(
                    f"{file} is another run's or another member's; {self._anew(file)}"
                )
            rounds = [one["round"] for one in content["rounds"]]
            files = {number: self._files.round_file(run, number) for number in rounds}
            return history_from_json(content, files, resolved.member_shape)
        except (KeyError, TypeError, ValueError) as error:
            raise DamagedRunError(
                f"{file} was written by another version of this project ({error}); "
                f"{self._anew(file)}"
            ) from error

    def _anew(self, file: Path) -> str:
        return f"delete {file.parent} and {self._go_on} to train it anew"


def _is_of(content: Mapping[str, Any], run: int, resolved: ResolvedConfig) -> bool:
    """Whether a history says that it is of this member."""
    arch = architecture_name(resolved.architecture_of(run))
    wanted = {"run": run, "seed": resolved.config.seed + run, "arch": arch}
    return {name: content[name] for name in wanted} == wanted
