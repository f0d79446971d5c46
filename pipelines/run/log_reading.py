"""What ``build.log`` says, read with suspicion: a line that is none is told by its number."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.storage.regular import read_regular
from ensemble.storage.sealed import parse_json
from pruning.core.errors import RequestError

LARGEST_LOG = 2**28
"""Bytes of a log that is read."""


@dataclass(frozen=True)
class LoggedRound:
    """A round of a group, as the log has it.

    Attributes
    ----------
    round, runs
        Its number, and the runs that trained in it.
    worker
        Who computed it, host and process; empty in logs that do not say.
    seconds
        By stage.
    epochs, images_per_second
        Of the member that trained longest; of all together.
    attempts
        Run → how often it was trained, of those that were at chance before.
    """

    round: int
    runs: tuple[int, ...]
    worker: str
    seconds: Mapping[str, float]
    epochs: int
    images_per_second: float
    attempts: Mapping[str, int]

    @classmethod
    def of(cls, line: Mapping[str, Any]) -> LoggedRound:
        """Return what a line says; a ValueError, KeyError or TypeError where it does not."""
        return cls(
            int(line["round"]),
            tuple(int(run) for run in line["runs"]),
            str(line.get("worker", "")),
            _seconds(line),
            int(line["epochs"]),
            float(line["images_per_second"]),
            {str(run): int(times) for run, times in dict(line.get("attempts", {})).items()},
        )


@dataclass(frozen=True)
class Logged:
    """What a log says.

    Attributes
    ----------
    rounds
        In the order in which they ended.
    commands
        Of each that has ended or was stopped: how, and its seconds by stage.
    notices
        When, and in a line, what was unusual or done again.
    unread
        Numbers of the lines that are not what a log holds, from 1.
    began
        How many commands began.
    """

    rounds: tuple[LoggedRound, ...]
    commands: tuple[tuple[str, Mapping[str, float]], ...]
    notices: tuple[tuple[str, str], ...]
    unread: tuple[int, ...]
    began: int

    @property
    def seconds(self) -> dict[str, float]:
        """Seconds by stage, the longest first: of the commands, of the rounds where none ended."""
        found: Counter[str] = Counter()
        whole = [seconds for _, seconds in self.commands] or [r.seconds for r in self.rounds]
        for stages in whole:
            found.update(stages)
        return dict(found.most_common())


def read_log(file: Path) -> Logged:
    """Return what a log says; a RequestError where there is none."""
    if not file.is_file():
        raise RequestError(f"{file} is missing: no command of this run has kept a log")
    rounds: list[LoggedRound] = []
    commands: list[tuple[str, Mapping[str, float]]] = []
    notices: list[tuple[str, str]] = []
    unread: list[int] = []
    began = 0
    for number, text in enumerate(read_regular(file, LARGEST_LOG, links=True).splitlines(), 1):
        try:
            line = parse_json(text, f"line {number}")
            what, when = str(line["what"]), str(line["time"])
            if what == "round":
                rounds.append(LoggedRound.of(line))
            elif what in ("ended", "stopped"):
                error = line.get("error")
                commands.append((f"stopped by {error}" if error else what, _seconds(line)))
            began += what == "began"
            notices += [(when, told) for told in _notices(what, line)]
        except (RequestError, KeyError, TypeError, ValueError):
            unread.append(number)
    return Logged(tuple(rounds), tuple(commands), tuple(notices), tuple(unread), began)


def _seconds(line: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(taken) for name, taken in dict(line["stages"]).items()}


def _notices(what: str, line: Mapping[str, Any]) -> Iterable[str]:
    """Yield a line each for what was done again, and why, and what was unusual."""
    if what == "began" and line.get("last_rounds"):
        yield f"went on from the rounds that were kept of {len(dict(line['last_rounds']))} runs"
    elif what == "stopped":
        yield f"stopped by {line.get('error')}"
    elif what == "round":
        yield from _attempts(line)
    elif what in _TOLD:
        where = f"round {int(line['round'])} of runs {_spelt(line['group'])}"
        yield f"{where} {_TOLD[what].format_map(line)}"


_TOLD = {
    "went on": "went on in mid-round, at epoch {epoch} of training {training}",
    "not kept": "is not kept between its epochs: {error}",
    "halved": "was too large for the card's memory: {networks} networks at once, then {half}",
    "slower": "is slower than it could be: {why}",
}


def _attempts(line: Mapping[str, Any]) -> Iterator[str]:
    for run, times in dict(line.get("attempts", {})).items():
        yield f"run {run} was trained {int(times)} times in round {line['round']}: it was at chance"


def _spelt(runs: Any) -> str:
    return ", ".join(str(int(run)) for run in runs)
