"""The score of a mutation run, and the mutants that stay, with the reason why."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from mutants import Mutant

REASONS = Path(__file__).with_name("survivors.toml")
"""Why a survivor stays, by what stands in the line before and after."""

NOTICED = ("killed", "too long")


@dataclass(frozen=True)
class Outcome:
    """What became of a mutant.

    Attributes
    ----------
    state
        ``"killed"``, ``"too long"`` (it never ended), ``"survived"`` or ``"unreached"`` (no
        test of its rooms runs the file).
    tests
        How many tests it was put to, at most.
    seconds
        How long that took.
    before, after
        What stood in the changed lines, and what then did.
    """

    state: str
    tests: int
    seconds: float
    before: str
    after: str


def unexplained(outcome: Outcome) -> bool:
    """Return whether no test noticed a change and no reason says why that may stay."""
    return outcome.state not in NOTICED and (outcome.before, outcome.after) not in _reasons()


def write_report(path: Path, seed: int, found: Mapping[Mutant, Outcome]) -> None:
    """Write the report."""
    path.write_text("\n".join(_lines(path.stem, seed, found)) + "\n", encoding="utf-8")
    print(path)


def _lines(name: str, seed: int, found: Mapping[Mutant, Outcome]) -> Iterator[str]:
    states = Counter(outcome.state for outcome in found.values())
    noticed = sum(states[state] for state in NOTICED)
    reasons = _reasons()
    stay = {mutant: o for mutant, o in found.items() if o.state not in NOTICED}
    equal = sum(_why(reasons, o)[0] == "equivalent" for o in stay.values())
    yield f"# Mutations of {name}\n"
    yield f"    python benchmarks/mutation/run.py {name} --count {len(found)} --seed {seed}\n"
    yield (
        f"Of {len(found)} changes drawn by seed {seed}, the nearest tests noticed {noticed}: "
        f"**{noticed / len(found):.1%}**. {equal} of the others change nothing that can be seen; "
        f"of the rest, {noticed / max(1, len(found) - equal):.1%} were noticed. "
        f"{sum(o.seconds for o in found.values()) / len(found):.1f} s per change.\n"
    )
    yield "| what became of them | |\n|---|--:|"
    yield from (f"| {state} | {number} |" for state, number in states.most_common())
    yield "\n| stays | before | after | why |\n|---|---|---|---|"
    for mutant, o in sorted(stay.items(), key=lambda item: (item[0].file, item[0].line)):
        why = ": ".join(filter(None, _why(reasons, o)))
        cells = (f"`{mutant.file}:{mutant.line}`", _code(o.before), _code(o.after), why)
        yield f"| {' | '.join(cells)} |"


def _why(reasons: Mapping[tuple[str, str], tuple[str, str]], stays: Outcome) -> tuple[str, str]:
    return reasons.get((stays.before, stays.after), ("", "not yet looked at"))


def _code(text: str) -> str:
    return f"`` {text.replace('|', chr(92) + '|')} ``" if text else ""


def _reasons() -> dict[tuple[str, str], tuple[str, str]]:
    """Return (before, after) → (kind, why); kinds are ``equivalent`` and ``accepted``."""
    if not REASONS.is_file():
        return {}
    content = tomllib.loads(REASONS.read_text(encoding="utf-8"))
    return {(s["before"], s["after"]): (s["kind"], s["why"]) for s in content.get("survivor", [])}
