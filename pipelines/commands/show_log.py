"""``ensemble show --log``: what the time of a run's commands went to, and what was done again."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from pipelines.build.logged import time_text
from pipelines.commands.columns import columns
from pipelines.run.file_names import RunFiles
from pipelines.run.log_reading import Logged, LoggedRound, read_log
from pruning.core.errors import RequestError
from pruning.core.plain_text import plain


def run_show_log(source: str) -> None:
    """Print where the time went: by kind of work, by worker, by round; then what was unusual."""
    run = RunFiles(Path(source))
    if not run.config_file.is_file():
        raise RequestError(f"`log`: {source} is not a run, whose folder holds build.log; give one")
    found = read_log(run.log_file)
    width = shutil.get_terminal_size().columns
    for line in (*_facts(found), *_rounds(found, width), *_told(found)):
        print(plain(line))
    if found.unread:
        print(plain(_unread(found, run.log_file)))


def _facts(found: Logged) -> list[str]:
    ends = Counter(how for how, _ in found.commands)
    ended = ", ".join(f"{count} {how}" for how, count in sorted(ends.items())) or "none has ended"
    began = f"{found.began} command{'s' * (found.began != 1)}"
    facts = [f"{began}: {ended}; {len(found.rounds)} rounds of groups"]
    if share := time_text(found.seconds):
        facts.append(f"{sum(found.seconds.values()):.1f} s went to {share}")
    workers: dict[str, list[LoggedRound]] = {}
    for one in found.rounds:
        workers.setdefault(one.worker, []).append(one)
    for worker, own in sorted(workers.items()):
        seconds = sum(sum(one.seconds.values()) for one in own)
        facts.append(f"worker {worker or 'unnamed'}: {len(own)} rounds in {seconds:.1f} s")
    return facts


def _rounds(found: Logged, width: int) -> list[str]:
    if not found.rounds:
        return []
    rows: list[Sequence[str]] = [
        ("round", "runs", "worker", "seconds", "epochs", "images/s", "went to"),
        *(
            (
                str(one.round), _spelt(one.runs), one.worker,
                f"{sum(one.seconds.values()):.2f}", str(one.epochs),
                f"{one.images_per_second:.0f}", time_text(one.seconds),
            )
            for one in found.rounds
        ),
    ]  # fmt: skip
    return ["", *columns(rows, width, right=(0, 3, 4, 5))]


def _spelt(runs: tuple[int, ...]) -> str:
    """Return run numbers briefly.

    >>> _spelt((0, 1, 2, 5)), _spelt((3,)), _spelt((0, 1))
    ('0-2, 5', '3', '0-1')
    """
    parts: list[list[int]] = []
    for run in sorted(runs):
        if parts and parts[-1][-1] == run - 1:
            parts[-1].append(run)
        else:
            parts.append([run])
    return ", ".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)


def _told(found: Logged) -> list[str]:
    return ["", *(f"{when}  {told}" for when, told in found.notices)] if found.notices else []


def _unread(found: Logged, file: Path) -> str:
    numbers = ", ".join(map(str, found.unread[:20])) + (" …" if len(found.unread) > 20 else "")
    return f"{len(found.unread)} lines of {file} are damaged, and left out: {numbers}"
