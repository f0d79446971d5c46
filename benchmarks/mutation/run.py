"""Mutation testing: change one thing in the code, run the nearest tests, see if one fails.

    python benchmarks/mutation/run.py selection                 # 300 mutants; goes on if stopped
    python benchmarks/mutation/run.py pruning --count 20
    python benchmarks/mutation/run.py selection --again         # and the unexplained ones anew

Each mutant is one change (see `mutants.py`), tried in a copy of the house against the tests of
its rooms that run the changed line (see `nearest.py`), quickest first, until one fails. The
copy is thrown away; results stand in ``results/mutation/NAME.jsonl``, a line per mutant (the
last one counts), and a second call leaves out what is there of the same bytes. Then
``results/mutation/NAME.md`` is written: the score, and the mutants that no test noticed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

from mutants import Mutant, draw
from nearest import find_nearest
from report import Outcome, unexplained, write_report
from trying import copied_house, load, run_tests, tried

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results" / "mutation"


@dataclass(frozen=True)
class Target:
    """Files to change, by pattern, the tests of their rooms, and libraries that they import."""

    files: tuple[str, ...]
    tests: tuple[str, ...]
    libraries: tuple[str, ...]

    def found(self, root: Path) -> list[str]:
        """Return the files, sorted."""
        paths = {path for pattern in self.files for path in root.glob(pattern)}
        return sorted(path.relative_to(root).as_posix() for path in paths)


TARGETS = {
    "selection": Target(
        ("selection/**/*.py",),
        ("tests/selection", "tests/test_doctests.py", "tests/test_values.py"),
        ("hypothesis", "numpy", "pandas", "pytest", "scipy.stats", "sklearn"),
    ),
    "pruning": Target(
        ("pruning/dropnet/*.py", "pruning/surgery/*.py", "pruning/scores/sweep.py",
         "pruning/scores/scoring.py", "pruning/scores/stacked_sweep.py"),
        ("tests/pruning/dropnet", "tests/pruning/surgery", "tests/pruning/scores",
         "tests/pruning/training/test_work.py", "tests/test_doctests.py", "tests/test_values.py"),
        ("hypothesis", "numpy", "pandas", "pytest", "safetensors.torch", "scipy.stats",
         "sklearn", "torch", "torch.utils.flop_counter"),
    ),
}  # fmt: skip


def main() -> None:
    """Draw, try, report."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("name", choices=TARGETS)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--again", action="store_true",
        help="Try anew, too, what no test noticed and survivors.toml does not explain.",
    )  # fmt: skip
    asked = parser.parse_args()
    target, file = TARGETS[asked.name], RESULTS / f"{asked.name}.jsonl"
    known = read(file)
    with copied_house(ROOT) as house:
        drawn = draw(house, target.found(house), asked.count, asked.seed)
        store = RESULTS / f"{asked.name}-{_digest(house, target)}.nearest.json"
        nearest = find_nearest(house, target.tests, store)
        load(house, target.libraries)
        usual = nearest.of(drawn[0].file, drawn[0].line)
        if (status := run_tests(house, usual, 600)) != 0:
            sys.exit(f"the tests fail on the code as it is (pytest's status {status})")
        for number, mutant in enumerate(drawn, start=1):
            if mutant not in known or (asked.again and unexplained(known[mutant])):
                known[mutant] = outcome = tried(house, mutant, nearest)
                append(file, mutant, outcome)
                print(f"{number}/{len(drawn)} {outcome.state:8} {outcome.seconds:5.1f} s "
                      f"{mutant.file}:{mutant.line} {mutant.operator}", flush=True)  # fmt: skip
    write_report(file.with_suffix(".md"), asked.seed, {m: known[m] for m in drawn})


def read(file: Path) -> dict[Mutant, Outcome]:
    """Return what is known already; a line that was cut off is not."""
    known: dict[Mutant, Outcome] = {}
    for line in file.read_text(encoding="utf-8").splitlines() if file.is_file() else ():
        try:
            content = json.loads(line)
        except json.JSONDecodeError:
            continue
        known[Mutant(**content["mutant"])] = Outcome(**content["outcome"])
    return known


def append(file: Path, mutant: Mutant, outcome: Outcome) -> None:
    """Add a line."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps({"mutant": asdict(mutant), "outcome": asdict(outcome)}) + "\n")


def _digest(house: Path, target: Target) -> str:
    """Return a digest of the code and the tests: which test reaches what hangs on both."""
    found = hashlib.sha256()
    for folder in (*target.tests, "pruning", "selection", "tests/support"):
        path = house / folder
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(file.read_bytes())
    return found.hexdigest()[:12]


if __name__ == "__main__":
    main()
