"""Kills, pairs of writers, and damaged or exchanged files: tries some, and tallies them.

    python benchmarks/reliability/trials.py kills 100      # or: pairs, exchanges
    python benchmarks/reliability/trials.py kills 12 "folder of images"    # of one kind

Each trial is a line of ``results/reliability/<what>.jsonl``; a later call goes on with the next
seed, and every call writes ``results/reliability/README.md`` from all lines. A trial runs the
command in a forked child of this process, which has loaded everything, so that one takes a
second or two. Kills are at random moments, or just before or after a file operation.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from exchanges import exchanged
from trial_work import BUILDS, COMMANDS, Work, dying, ended, files, start

RESULTS = Path(__file__).resolve().parents[2] / "results" / "reliability"


def killed(work: Work, rng: random.Random, kinds: Sequence[str] = ()) -> dict[str, Any]:
    """Kill a command once or twice, give it again, and hold what it made against the whole."""
    kind = rng.choice(kinds or [*BUILDS, *COMMANDS])
    wanted = files(work.whole(kind))
    folder = Path("tried") / "run"
    work.ready(kind, folder)
    how = rng.choice(["moment", "operation"])
    times = rng.choice([1, 1, 1, 2])
    for _ in range(times):
        if how == "moment":
            process = start(work.words(kind, folder))
            ended(process, rng.uniform(0, work.seconds[kind]))
        else:
            at = dying(int(2 ** rng.uniform(0, 9)), rng.choice(["before", "after"]))
            ended(start(work.words(kind, folder), at))
    code = ended(start(work.words(kind, folder)))
    found = files(folder.parent)
    strays = sorted(name for name in found if "/." in name)
    return {
        "kind": kind, "how": how, "kills": times, "code": code, "same": found == wanted,
        "strays": strays, "said": "" if code == 0 else Path("said").read_text()[-300:],
        "differ": sorted(n for n in {*found, *wanted} if found.get(n) != wanted.get(n))[:5],
    }  # fmt: skip


def pair(work: Work, rng: random.Random) -> dict[str, Any]:
    """Start two equal builds on one folder."""
    kind = rng.choice(["mlp", "conv", "control"])
    wanted = files(work.whole(kind))
    folder = Path("tried") / "run"
    work.ready(kind, folder)
    one = start(work.words(kind, folder))
    time.sleep(rng.uniform(0, work.seconds[kind] / 2))
    two = start(work.words(kind, folder))
    codes = sorted((ended(one), ended(two)), key=str)
    return {"kind": kind, "codes": codes, "same": files(folder.parent) == wanted}


TRIALS = {"kills": killed, "pairs": pair, "exchanges": exchanged}


def lines(what: str) -> list[dict[str, Any]]:
    """Return the trials so far."""
    file = RESULTS / f"{what}.jsonl"
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def report() -> str:
    """Return all tallies as Markdown."""
    kills, pairs, changes = (lines(what) for what in TRIALS)
    good = [one for one in kills if one["code"] == 0 and one["same"] and not one["strays"]]
    ok = [one for one in pairs if one["same"] and one["codes"] in ([0, 2], [0, 0])]
    rows = "\n".join(
        f"| {kind} | {how} | {sum(o['kills'] for o in found)} | {len(found)} "
        f"| {sum(o in good for o in found)} |"
        for (kind, how), found in sorted(_grouped(kills).items())
    )
    others = "; ".join(
        f"{one['kind']}: {one.get('note', 'open')}" for one in kills if one not in good
    )
    steps = "\n".join(
        f"- {step}: "
        + ", ".join(f"{n} {what}" for what, n in Counter(o[step] for o in changes).most_common())
        for step in ("compare", "predict", "build")
    )
    return f"""# Kills, pairs of writers, exchanged files

`python benchmarks/reliability/trials.py kills 100` (`pairs`, `exchanges`) tries that many more.
`make reliability` tries all that this folder has figures of, and goes on where it was stopped.

**Kills.** {sum(o["kills"] for o in kills)} kills of {len(kills)} commands; given again, {len(good)}
commands ended with the bytes of an undisturbed one and left nothing behind.
{f"Of the {len(kills) - len(good)} others, {others}." if others else ""}

| command | killed at | kills | commands | same bytes |
|---|---|---|---|---|
{rows}

**Pairs of equal builds on one folder.** {len(pairs)}; {len(ok)} as they must: one finishes, the
other leaves with 2 or finds the run finished, and the bytes are those of one alone.

**Files damaged or exchanged.** {len(changes)} ways, each followed by:

{steps}
"""


def _grouped(found: list[dict[str, Any]]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for one in found:
        groups.setdefault((one["kind"], one["how"]), []).append(one)
    return groups


LOADED = (
    "torch", "sklearn.datasets", "joblib", "rich.console", "pipelines.build.story",
    "pipelines.commands.build", "pipelines.commands.compare", "pipelines.commands.select",
    "pipelines.commands.export", "pipelines.commands.predict", "pipelines.report.comparing",
    "ensemble.onnx.export", "ensemble.artefact.rebuilding", "torch._inductor.config",
)  # fmt: skip


def main() -> None:
    """Try as many as are asked for."""
    for name in LOADED:
        importlib.import_module(name)
    what, count = sys.argv[1], int(sys.argv[2])
    trial = functools.partial(killed, kinds=sys.argv[3:]) if sys.argv[3:] else TRIALS[what]
    RESULTS.mkdir(parents=True, exist_ok=True)
    first = len(lines(what))
    with tempfile.TemporaryDirectory() as scratch:
        work = Work(Path(scratch))
        for seed in range(first, first + count):
            found = {"seed": seed} | trial(work, random.Random(f"{what} {seed}"))
            with (RESULTS / f"{what}.jsonl").open("a") as file:
                file.write(json.dumps(found) + "\n")
            (RESULTS / "README.md").write_text(report(), encoding="utf-8")
        os.chdir("/")


if __name__ == "__main__":
    main()
