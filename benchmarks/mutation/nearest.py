"""Which tests are nearest to a line: those of its rooms that run it, quickest first.

The tests of the rooms are run once under coverage, which notes for each line the tests that
reach it. A line that is run when its module is imported belongs to no test: there, the tests
that reach any other line of the file are nearest, and those that run no line of its package, as
they may look at what stands in its modules.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
from durations import FILE

HERE = Path(__file__).parent
MOST_SECONDS = 60.0
"""The nearest tests of a line take at most so long together, on the unchanged code."""


@dataclass(frozen=True)
class Nearest:
    """Tests by file and line, and how long each takes.

    Attributes
    ----------
    by_line
        File → line → tests.
    seconds
        Test → seconds.
    """

    by_line: dict[str, dict[int, list[str]]]
    seconds: dict[str, float]

    def of(self, file: str, line: int) -> list[str]:
        """Return the tests nearest to a line, quickest first."""
        lines = self.by_line.get(file, {})
        found = set(lines.get(line, ()))
        if lines and not found:
            found = set().union(*lines.values()) | self._onlookers(file.partition("/")[0])
        chosen, spent = [], 0.0
        for test in sorted(found, key=lambda name: (self.seconds[name], name)):
            spent += self.seconds[test]
            if chosen and spent > MOST_SECONDS:
                break
            chosen.append(test)
        return chosen

    def _onlookers(self, package: str) -> set[str]:
        """Return the tests that run no line of a package."""
        run = (
            test for file, lines in self.by_line.items() if file.startswith(f"{package}/")
            for tests in lines.values() for test in tests
        )  # fmt: skip
        return set(self.seconds) - set(run)


def find_nearest(house: Path, tests: Sequence[str], store: Path) -> Nearest:
    """Run the tests of a copy of the house once and note what each reaches; kept in `store`."""
    if not store.is_file():
        data, seconds = house / ".coverage", house / "durations.json"
        command = [
            sys.executable, "-m", "pytest", *tests, "-q", "-m", "not slow", "-p", "durations",
            "-p", "no:cacheprovider", "--hypothesis-seed=0", "--cov", "--cov-context=test",
            "--cov-report=",
        ]  # fmt: skip
        subprocess.run(
            command, cwd=house, env=environment(house) | {FILE: str(seconds)}, check=True
        )
        known = json.loads(seconds.read_text(encoding="utf-8"))
        by_line = _by_line(house, data, known)
        if not by_line:
            sys.exit("coverage saw no line of the copy: see [tool.coverage.run] in pyproject.toml")
        store.parent.mkdir(parents=True, exist_ok=True)
        store.write_text(json.dumps({"by_line": by_line, "seconds": known}), encoding="utf-8")
    content = json.loads(store.read_text(encoding="utf-8"))
    by_line = {
        file: {int(line): found for line, found in lines.items()}
        for file, lines in content["by_line"].items()
    }
    return Nearest(by_line, content["seconds"])


def environment(house: Path) -> dict[str, str]:
    """Return what tests of a copy of the house need: its code first, and one thread."""
    path = os.pathsep.join((str(house), str(HERE)))
    return os.environ | {"PYTHONPATH": path, "OMP_NUM_THREADS": "1"}


def _by_line(house: Path, data: Path, known: dict[str, float]) -> dict[str, dict[int, list[str]]]:
    stored = coverage.CoverageData(str(data))
    stored.read()
    found: dict[str, dict[int, list[str]]] = {}
    for file in stored.measured_files():
        name = Path(file).relative_to(house).as_posix()
        for line, contexts in stored.contexts_by_lineno(file).items():
            tests = {context.rpartition("|")[0] for context in contexts}
            found.setdefault(name, {})[line] = sorted(tests & set(known))
    return found
