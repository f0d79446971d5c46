"""Hypothesis asks commands and library at random for so many minutes: what does it find?

    nice -n 10 python benchmarks/reliability/fuzz.py [minutes] [--seed N]

A quarter of the time each for arguments, ``.npz`` files, images and manifests; what they are and
what must hold stands in ``tests/support/fuzzing.py``, of which the tests ask a little, always the
same. A fault is told with its smallest example. Writes its page in results/reliability.
"""

from __future__ import annotations

import argparse
import faulthandler
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "benchmarks" / "product")]

import torch  # noqa: E402
from fuzzing import KINDS, SECONDS, scratch  # noqa: E402
from hypothesis import HealthCheck, Phase, given, seed, settings  # noqa: E402
from teams import heading  # noqa: E402

PAGE = ROOT / "results" / "reliability" / "fuzz.md"
AT_ONCE = 200
"""Examples of a seed, until the time is looked at again."""


def asked(name: str, first: int, seconds: float, place: Path) -> tuple[Counter[str], list[str]]:
    """Ask one kind for so long; return what came of its examples, and the faults."""
    kind, found, faults = KINDS[name], Counter[str](), dict[str, None]()
    last: list[str] = []
    end, number = time.monotonic() + seconds, first
    while time.monotonic() < end:

        @seed(number)
        @settings(
            max_examples=AT_ONCE, deadline=None, database=None, print_blob=False,
            phases=(Phase.generate, Phase.shrink), suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(kind.examples)
        def ask(example: object) -> None:
            faulthandler.dump_traceback_later(3 * SECONDS, exit=True)
            last.clear()
            last.append(repr(example)[:400])
            found["asked"] += 1
            found[kind.check(place, example)] += 1

        try:
            ask()
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            line = " ".join(f"{type(error).__name__}: {error}".split())[:600]
            faults[f"{last[0]}: {line}"] = None
            found["faults"] += 1
        number += 1
    faulthandler.cancel_dump_traceback_later()
    return found, list(faults)


def main(minutes: float, first: int) -> int:
    """Write what came of all kinds; return 1 where one had a fault."""
    torch.set_num_threads(1)
    command = f"nice -n 10 python benchmarks/reliability/fuzz.py {minutes:g} --seed {first}"
    lines = [heading(f"{minutes:g} minutes of hypothesis", command), f"""
No traceback, no exit code but 0, 2 and, of damaged files, 1, one line, probabilities or a refusal,
{SECONDS} s at most.

| asked with | examples | answered | refused in a line | damage told | seeds with a fault |
|---|--:|--:|--:|--:|--:|"""]  # fmt: skip
    told: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in KINDS:
            home = Path(folder, name)
            home.mkdir()
            found, faults = asked(name, first, 60 * minutes / len(KINDS), scratch(home))
            counts = (found[key] for key in ("asked", "done", "refused", "failed", "faults"))
            lines.append(f"| {name} | {' | '.join(f'{count:,}' for count in counts)} |")
            told += [f"\n- {name}: `{fault}`" for fault in faults]
    PAGE.write_text("\n".join([*lines, *told]) + "\n", "utf-8", "backslashreplace")
    print(PAGE.read_text("utf-8"))
    return int(bool(told))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("minutes", type=float, nargs="?", default=10)
    parser.add_argument("--seed", type=int, default=1)
    given_words = parser.parse_args()
    sys.exit(main(given_words.minutes, given_words.seed))
