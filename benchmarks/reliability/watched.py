"""A piece of work in a child process: what it took, opened and started."""

from __future__ import annotations

import io
import json
import os
import resource
import signal
import sys
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple

LONGEST = 60
"""Seconds after which a piece of work counts as hanging."""

STARTS = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.fork", "socket.connect")


class Seen(NamedTuple):
    """What came of a piece of work.

    `how` is "refused", "done", "traceback", "died" or "hung"; `line` what it said; `strange` what
    it started, or opened outside `inside` and Python's own folders; `seconds` are a processor's.
    `kind` is the error's class where it was refused.
    """

    how: str
    line: str
    seconds: float
    mebibytes: float
    strange: list[str]
    kind: str = ""


def watch(work: Callable[[], str], inside: Path, refusals: tuple[type[BaseException], ...]) -> Seen:
    """Run `work` in a fork of this process, and return what was seen of it."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        _child(work, inside, refusals, writing)
    os.close(writing)
    with os.fdopen(reading, "rb") as answers:
        data = answers.read()
    _, status, used = os.wait4(child, 0)
    seconds, mebibytes = used.ru_utime + used.ru_stime, used.ru_maxrss / 1024
    if data:
        told = json.loads(data)
        return Seen(told["how"], told["line"], seconds, mebibytes, told["strange"], told["kind"])
    hung = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
    return Seen("hung" if hung else "died", str(status), seconds, mebibytes, [])


def _child(
    work: Callable[[], str], inside: Path, refusals: tuple[type[BaseException], ...], writing: int
) -> None:
    signal.alarm(LONGEST)
    strange: list[str] = []
    own = tuple({sys.prefix, sys.base_prefix, "/proc", "/sys", "/dev/null", "/etc", str(inside),
                 str(Path(__file__).parents[2])})  # fmt: skip

    def audit(event: str, given: tuple[Any, ...]) -> None:
        if event in STARTS:
            strange.append(f"{event} {given!r}"[:200])
        elif event == "open" and isinstance(given[0], str | bytes):
            path = os.fsdecode(given[0])
            if path.startswith("/") and not path.startswith(own):
                strange.append(f"open {path}"[:200])

    sys.addaudithook(audit)
    said, kind = io.StringIO(), ""
    try:
        with redirect_stdout(said), redirect_stderr(said):
            line = work()
        how = "done"
    except refusals as error:
        how, line, kind = "refused", str(error), type(error).__name__
    except BaseException:
        how, line = "traceback", traceback.format_exc()
    if "Traceback" in said.getvalue():
        how, line = "traceback", said.getvalue()
    told = {"how": how, "line": line[:20_000], "strange": strange, "kind": kind}
    os.write(writing, json.dumps(told).encode())
    os._exit(0)


def most_memory() -> float:
    """Return the most MiB that this process held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
