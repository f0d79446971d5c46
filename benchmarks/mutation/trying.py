"""Try a mutant: change the copy, run the nearest tests in a child that has its libraries loaded.

A child is forked from this process, which has loaded torch and its like and nothing of the
house: what takes seconds to import is imported once for all mutants.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mutants import Mutant
from nearest import Nearest, environment
from report import Outcome

FOLDERS = ("pruning", "selection", "ensemble", "pipelines", "tests")
MOST_BYTES = 8 * 2**30
"""What tests of a changed copy may allocate: a loop that never ends may fill the memory first."""
_FORK = multiprocessing.get_context("fork")


@contextmanager
def copied_house(root: Path) -> Iterator[Path]:
    """Give a copy of the house in which files may be changed."""
    with tempfile.TemporaryDirectory() as name:
        house = Path(name).resolve() / "mutated"  # "house" is left out of coverage
        leave = shutil.ignore_patterns("__pycache__")
        for folder in FOLDERS:
            shutil.copytree(root / folder, house / folder, ignore=leave)
        shutil.copy(root / "pyproject.toml", house)
        yield house


def load(house: Path, libraries: Sequence[str]) -> None:
    """Make this process one that children that test the copy can be forked from."""
    os.environ.update(environment(house))
    for library in libraries:
        importlib.import_module(library)


def tried(house: Path, mutant: Mutant, nearest: Nearest) -> Outcome:
    """Run the nearest tests with the change made."""
    tests = nearest.of(mutant.file, mutant.line)
    told = mutant.difference((house / mutant.file).read_text(encoding="utf-8"))
    if not tests:
        return Outcome("unreached", 0, 0.0, *told)
    limit = 60 + 10 * sum(nearest.seconds[test] for test in tests)
    begun = time.monotonic()
    with changed(house, mutant):
        status = run_tests(house, tests, limit)
    state = {None: "too long", 0: "survived"}.get(status, "killed")
    return Outcome(state, len(tests), round(time.monotonic() - begun, 2), *told)


def run_tests(house: Path, tests: Sequence[str], limit: float) -> int | None:
    """Run tests in a child; return pytest's status, or None after `limit` seconds."""
    child = _FORK.Process(target=_run, args=(house, tests))
    child.start()
    child.join(limit)
    if child.exitcode is None and child.pid is not None:
        os.killpg(child.pid, signal.SIGKILL)
        child.join()
        return None
    return child.exitcode


@contextmanager
def changed(house: Path, mutant: Mutant) -> Iterator[None]:
    """Make the change in the copy, and take it back."""
    path = house / mutant.file
    text = path.read_text(encoding="utf-8")
    _write(path, mutant.source(text))
    try:
        yield
    finally:
        _write(path, text)


def _write(path: Path, text: str) -> None:
    """Write a module; what was compiled of it may be as old to the second, and as long."""
    path.write_text(text, encoding="utf-8")
    for compiled in (path.parent / "__pycache__").glob(f"{path.stem}.*.pyc"):
        compiled.unlink()


def _run(house: Path, tests: Sequence[str]) -> None:
    """Run tests silently; leave with pytest's status."""
    import pytest

    os.setsid()
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    os.chdir(house)
    sys.path.insert(0, str(house))
    silent = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silent, 1)
    os.dup2(silent, 2)
    status = pytest.main(
        [
            "-x",
            "-q",
            "-p",
            "no:cacheprovider",
            "--hypothesis-seed=0",
            "-W",
            "ignore::pytest.PytestAssertRewriteWarning",
            *tests,
        ]  # of what is loaded already
    )
    os._exit(int(status))
