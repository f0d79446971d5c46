"""Kills, pairs of writers, and damaged or exchanged files: tries some, and tallies them.

    python benchmarks/reliability/trials.py kills 100      # or: pairs, exchanges

Each trial is a line of ``results/reliability/<what>.jsonl``; a later call goes on with the next
seed, and every call writes ``results/reliability/README.md`` from all lines. A trial runs the
command in a forked child of this process, which has loaded everything, so that one takes a
second or two. Kills are at random moments, or just before or after a file operation.
"""

from __future__ import annotations

import contextlib
import csv
import functools
import importlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.commands.cli import run as command

RESULTS = Path(__file__).resolve().parents[2] / "results" / "reliability"
OPERATIONS = ("replace", "rename", "fsync", "unlink", "mkdir", "rmdir", "open", "link")
TRIED = 60
"""A trial that takes longer has hung."""

SHORT = ("--m", "4", "--s", "2", "--epochs", "3", "--batch-size", "16", "--rounds", "2",
         "--kappa", "0")  # fmt: skip
BUILDS: dict[str, Sequence[str]] = {
    "mlp": (*SHORT, "--arch", "mlp-a:8-6", "--jobs", "1"),
    "conv": (*SHORT, "--arch", "conv-b:3-4", "--jobs", "1"),
    "two architectures, two jobs": (
        *SHORT, "--arch", "mlp-a:8-6", "--arch", "conv-b:3-4", "--jobs", "2",
    ),
    "control": (*SHORT, "--arch", "mlp-a:8-6", "--jobs", "1", "--control"),
    "datafree": (
        "--m", "3", "--s", "2", "--epochs", "3", "--arch", "mlp-a:8-6", "--jobs", "1",
        "--pruner", "datafree",
    ),
    "own network": (*SHORT, "--arch", "own:make", "--jobs", "1"),
}  # fmt: skip
COMMANDS: dict[str, Sequence[str]] = {
    "compare": ("compare", "{run}"),
    "select": ("select", "{run}", "--s", "3", "--out", "{run}/../again"),
    "export": ("export", "{run}"),
    "export --cascade": ("export", "{run}", "--cascade", "--max-loss", "0.1"),
}
OWN = """
from torch import nn
def make(classes, shape):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, classes))
"""
PASSING = ("build.log", "report.html", "comparison.md", "comparison.tex")
"""Files that hold times, or that only people read."""


def files(folder: Path) -> dict[str, bytes]:
    """Return a folder's files but those that may differ."""
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file.name not in PASSING
    }


def start(words: Sequence[str], before: Callable[[], None] = lambda: None) -> int:
    """Run a command in a forked child, and return its process; its errors go to ``said``."""
    process = os.fork()
    if process:
        return process
    code = 70
    try:
        out = os.open("said", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(out, 1)
        os.dup2(out, 2)
        os.setsid()
        before()
        code = command(list(words))
        sys.stdout.flush()
    finally:
        os._exit(code)


def ended(process: int, seconds: float = TRIED) -> int | None:
    """Return the exit code of a child, None if it had to be killed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found, status = os.waitpid(process, os.WNOHANG)
        if found:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    kill(process)
    return None


def kill(process: int) -> None:
    """Kill a child alone: its workers must end by themselves."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)


def dying(at: int, moment: str) -> Callable[[], None]:
    """Return what makes a process kill itself before or after its `at`-th file operation."""

    def prepare() -> None:
        left = [at]

        def wrapped(operation: Callable[..., Any]) -> Callable[..., Any]:
            @functools.wraps(operation)
            def call(*args: Any, **more: Any) -> Any:
                left[0] -= 1
                if left[0] == 0 and moment == "before":
                    os.kill(os.getpid(), signal.SIGKILL)
                found = operation(*args, **more)
                if left[0] == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return found

            return call

        for name in OPERATIONS:
            setattr(os, name, wrapped(getattr(os, name)))

    return prepare


class Work:
    """A scratch folder with undisturbed runs to hold others against."""

    def __init__(self, folder: Path) -> None:
        os.chdir(folder)
        Path("own.py").write_text(OWN)
        rng = np.random.default_rng(0)
        labels = np.arange(240) % 3
        centres = rng.integers(40, 216, (3, 4, 4))
        images = np.clip(centres[labels] + rng.normal(0, 60, (240, 4, 4)), 0, 255)
        np.savez("tiny.npz", X=images.astype(np.uint8), y=labels)
        self.seconds: dict[str, float] = {}
        self.counts: dict[str, int] = {}

    def words(self, kind: str, folder: Path) -> list[str]:
        """Return the command of a kind, for a run at `folder`."""
        if kind in BUILDS:
            return ["build", "--data", "tiny.npz", *BUILDS[kind], "--out", str(folder)]
        return [word.format(run=folder) for word in COMMANDS[kind]]

    def ready(self, kind: str, folder: Path) -> None:
        """Make what a command needs at `folder`: nothing for a build."""
        shutil.rmtree(folder.parent, ignore_errors=True)
        folder.parent.mkdir(parents=True)
        if kind in COMMANDS:
            shutil.copytree(self.whole("mlp") / "run", folder)

    def whole(self, kind: str, seed: int = 0) -> Path:
        """Return the folder in which a kind was run undisturbed; the run is ``run`` in it."""
        folder = Path("whole") / f"{kind.replace(' ', '-')}-{seed}"
        if not folder.exists():
            self.ready(kind, folder / "run")
            began = time.monotonic()
            code = ended(
                start([*self.words(kind, folder / "run"), *(["--seed", str(seed)] * bool(seed))])
            )
            if code != 0:
                raise RuntimeError(f"{kind}: {code}: {Path('said').read_text()}")
            self.seconds[kind] = time.monotonic() - began
        return folder


def killed(work: Work, rng: random.Random) -> dict[str, Any]:
    """Kill a command once or twice, give it again, and hold what it made against the whole."""
    kind = rng.choice([*BUILDS, *COMMANDS])
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


DAMAGES = ("cut", "flipped", "emptied", "appended", "deleted", "another run's", "another file")


def exchanged(work: Work, rng: random.Random) -> dict[str, Any]:
    """Damage or exchange one file of a compared run, then compare, predict, and build again."""
    whole = work.whole("control")
    own = whole / "run"
    if not (own / "comparison.csv").exists():
        for words in (["export", str(own)], ["compare", str(own)]):
            if ended(start(words)) != 0:
                raise RuntimeError(Path("said").read_text())
    other = work.whole("control", 9) / "run"
    if not (other / "comparison.csv").exists():
        for words in (["export", str(other)], ["compare", str(other)]):
            ended(start(words))
    folder = Path("tried") / "run"
    shutil.rmtree(folder.parent, ignore_errors=True)
    shutil.copytree(own, folder)
    name = rng.choice(sorted(name for name in files(own) if name != "comparison.csv"))
    how = rng.choice(DAMAGES)
    damage(folder / name, how, rng, other / name)
    outcomes = {}
    wanted = (own / "comparison.csv").read_bytes()
    answers = predicted(own)
    for words in (["compare", str(folder)], ["predict", str(folder), "some.npy"]):
        code = ended(start(words))
        said = Path("said").read_text()
        if code != 0:
            lines = [line for line in said.splitlines() if line.startswith("ensemble: ")]
            one = len(lines) == 1 and "Traceback" not in said
            outcomes[words[0]] = "refused" if one else f"badly: {said[-200:]}"
        elif words[0] == "predict":
            outcomes["predict"] = "as before" if said == answers else "USED"
        else:
            found = (folder / "comparison.csv").read_bytes()
            same = found == wanted
            # A control that is not there, and a form that says why, have no row.
            left_out = _accuracies(found) < _accuracies(wanted)
            outcomes["compare"] = "as before" if same else "left out" if left_out else "USED"
    code = ended(start(work.words("control", folder)))
    held, own_files = (_of_the_build(files(place)) for place in (folder, own))
    differ = {n for n in held if held[n] != own_files.get(n)}
    differ |= own_files.keys() - held.keys() - MADE_BY_COMPARE
    left = "not read" if differ == {name} else "mended" if not differ else "OTHER BYTES"
    outcomes["build"] = "refused" if code else left
    return {"file": name, "how": how} | outcomes


COMPARED = ("comparison.csv", "comparison.md", "comparison.tex", "report.html", "files.json")
"""What a comparison writes, or has named: less where a form was left out of it."""


MADE_BY_COMPARE = {"predictions/test.npz", "control/test.npz", "control/select.npz"}
"""What the next comparison makes again where a build has trained anew."""


def _accuracies(table: bytes) -> set[tuple[str, str]]:
    """Return the contenders of a ``comparison.csv`` with their accuracies."""
    rows = csv.DictReader(table.decode().splitlines())
    return {(row["contender"], row["accuracy"]) for row in rows}


def _of_the_build(held: dict[str, bytes]) -> dict[str, bytes]:
    """Return the files that a build writes, or reads."""
    return {name: data for name, data in held.items() if name not in (*COMPARED, "ensemble.onnx")}


def damage(file: Path, how: str, rng: random.Random, others: Path) -> None:
    """Change a file."""
    data = file.read_bytes()
    place = rng.randrange(max(1, len(data)))
    if how == "deleted":
        file.unlink()
    elif how == "another run's":
        shutil.copyfile(others, file)
    elif how == "another file":
        choices = [one for one in file.parent.iterdir() if one.is_file() and one != file]
        file.write_bytes(rng.choice(choices or [file]).read_bytes() + b"\n" * (not choices))
    else:
        file.write_bytes({
            "cut": data[:place], "emptied": b"", "appended": data + b"\n",
            "flipped": data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)])
            + data[place + 1 :],
        }[how])  # fmt: skip


@functools.cache
def predicted(run: Path) -> str:
    """Return what an undamaged run predicts."""
    np.save("some.npy", np.load("tiny.npz")["X"][:5])
    if ended(start(["predict", str(run), "some.npy"])) != 0:
        raise RuntimeError(Path("said").read_text())
    return Path("said").read_text()


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
    steps = "\n".join(
        f"- {step}: "
        + ", ".join(f"{n} {what}" for what, n in Counter(o[step] for o in changes).most_common())
        for step in ("compare", "predict", "build")
    )
    return f"""# Kills, pairs of writers, exchanged files

`python benchmarks/reliability/trials.py kills 100` (`pairs`, `exchanges`) tries that many more.

**Kills.** {sum(o["kills"] for o in kills)} kills of {len(kills)} commands; given again, {len(good)}
commands ended with the bytes of an undisturbed one and left nothing behind.

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
    RESULTS.mkdir(parents=True, exist_ok=True)
    first = len(lines(what))
    with tempfile.TemporaryDirectory() as scratch:
        work = Work(Path(scratch))
        for seed in range(first, first + count):
            found = {"seed": seed} | TRIALS[what](work, random.Random(f"{what} {seed}"))
            with (RESULTS / f"{what}.jsonl").open("a") as file:
                file.write(json.dumps(found) + "\n")
            (RESULTS / "README.md").write_text(report(), encoding="utf-8")
        os.chdir("/")


if __name__ == "__main__":
    main()
