"""400 bad requests on the command line, 300 through Python: is each refused in one line?

    nice -n 10 python benchmarks/reliability/bad_requests.py [command line] [Python] [seed]

Each in a process of its own, none twice. Exit code 2 (or a typed error), one line of a readable
length that says what is allowed or the way out, no traceback, and nothing on disk changed. Writes
its page in results/reliability.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "benchmarks" / "product")]

import click  # noqa: E402
import hostile  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from bad_calls import TYPED, python_requests  # noqa: E402
from pipeline_support import TINY_OPTIONS, write_images  # noqa: E402
from teams import heading  # noqa: E402
from watched import Seen, watch  # noqa: E402

from pipelines.commands.cli import cli, run  # noqa: E402
from pipelines.commands.setting_options import SettingOption  # noqa: E402

PAGE = ROOT / "results" / "reliability" / "bad-requests.md"
TEAM = str(hostile.KEPT / "team")
NUMBERS = ("inf", "-inf", "nan", "-1", "1e400", "abc", "", "0x10", "1,5", "9" * 30, "-0.5", "١٢x")
TEXTS = ("", "no-such-thing", "\x1b[2J", "no such:thing", "../..:x", "os:", ":x", "x" * 5000)
INPUTS = ("", "x" * 300, "/no/such/place", "/dev/null/x", "missing.npz", "\udcff", "a/" * 3000)
OUTPUTS = ("", "x" * 300, "/dev/null/x", "a/" * 3000)

GOOD = {
    "build": ["--data", "tiny.npz", *TINY_OPTIONS, "--out", "new"],
    "select": ["run", "--out", "new"],
    "combine": ["team.onnx", "--labels", "tiny.npz", "--out", "new"],
    "archs": ["mlp-a"], "check": ["mlp-a", "--input", "3x8x8"], "compare": ["run"],
    "reproduce": ["fractions", "--budget", "quick"], "log": ["run", "--tensorboard", "logs"],
    "predict": [TEAM, "x.npy"], "show": ["run"], "verify": ["run"],
    "export": ["run", "--out", "new.onnx"], "serve": [TEAM, "--port", "0"],
}  # fmt: skip
"""Requests that would do, but for the bad word that is put into them."""

TOGETHER = (
    "build --m 2 --s 5 --out new", "select run --s 99 --out new", "select run", "compare run run",
    "compare run --threads 2", "export run --max-loss 0.1", "export run --out run/config.json",
    "build --out run", "predict run", "check mlp-a --input 3x8x8 --classes 1", "archs --limit 3",
    "build --data tiny.npz --rounds 0 --kappa 2 --out new", "serve run --port 70000",
    "build --data tiny.npz --limit 5 --out new", "verify run run", "no-such", "show run x",
    "reproduce no-such", "reproduce fractions --part none", "reproduce fractions --budget slow",
)  # fmt: skip
"""Words that are good alone."""

FREE = {"token": ("", "short", "näää" * 9), "host": ("", "no such host", "\x1b[2J"),
        "scheduler": ("", "no-such", "tcp://"), "backend": ("", "no-such"), "ray": ("",),
        "mean": ("", "a", "1,,2"), "std": ("", "0", "nan")}  # fmt: skip
"""What is bad where almost anything may be meant."""

WAY_OUT = re.compile(
    "allowed|expected|known|give|see `|must|need|did you mean|delete|leave|install|belongs|"
    "choose|name|use|too few|is for|add|send|free|have one|reshape|name too long",
    re.IGNORECASE,
)


def bad_words(option: click.Option) -> tuple[str, ...]:
    """Return what an option refuses."""
    name, setting = str(option.name), getattr(option, "setting", None)
    if name in FREE:
        return FREE[name]
    if name in ("out", "tensorboard", "profile"):
        return OUTPUTS
    if name == "data_dir":
        return ("",)
    if option.type.name not in ("integer", "float", "integer range", "float range"):
        free = setting is not None and not setting.allowed
        return ("",) if free else INPUTS if name in ("config", "labels") else TEXTS
    return tuple(word for word in NUMBERS if not _means(word, option))


def _means(word: str, option: click.Option) -> bool:
    """Whether a word is a number that the option takes."""
    try:
        number = option.type.convert(word, option, None)
    except click.BadParameter:
        return False
    limits = option.setting.option.range if isinstance(option, SettingOption) else None
    return limits is None or number in limits


def commands(rng: random.Random) -> Iterator[list[str]]:
    """Yield bad requests without end: one bad word, or two, in a request that would do."""
    yield from (words.split() for words in TOGETHER)
    while True:
        name = rng.choice(sorted(GOOD))
        options = [p for p in cli.commands[name].params if isinstance(p, click.Option)]
        option = rng.choice([option for option in options if not option.is_flag])
        words, flag, good = bad_words(option), option.opts[0], GOOD[name]
        source = good if name in ("build", "reproduce") else [rng.choice(INPUTS), *good[1:]]
        match rng.randrange(4):
            case 0 | 1 if words:
                yield [name, *rng.choice([good, good, source]), flag, rng.choice(words)]
            case 2:
                yield [name, *good, rng.choice(["--no-such", "-q", f"{flag}x", f"{flag}="]), "1"]
            case 3 if source is not good:
                yield [name, *source]


def asked(words: list[str]) -> str:
    """Run a request; return its exit code and what it said."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(words)
    return f"{code} {err.getvalue()}"


def state(folder: Path) -> list[tuple[str, int, int]]:
    """Return what is in a folder, and when each file was written."""
    found = [(path, path.lstat()) for path in sorted(folder.rglob("*"))]
    return [
        (str(path), 0, 0) if path.is_dir() else (str(path), stat.st_size, stat.st_mtime_ns)
        for path, stat in found
    ]


def make(place: Path) -> None:
    """Make what good requests ask about, and import what all of them need."""
    write_images(place / "tiny.npz")
    np.save(place / "x.npy", np.zeros((3, *hostile.SAMPLE), np.uint8))
    code = asked(["build", "--data", "tiny.npz", *TINY_OPTIONS, "--out", "run"])
    code += asked(["export", "run", "--out", "team.onnx"])
    for module in ("compare", "select", "predict", "show", "log", "serve", "combine", "reproduce"):
        importlib.import_module(f"pipelines.commands.{module}")
    if not (place / "team.onnx").exists():
        raise RuntimeError(code)


def judged(seen: Seen) -> str:
    """Return what came of a request."""
    if seen.how == "done" and seen.line == "taken":
        return "taken"
    code, _, said = seen.line.partition(" ")
    line = said if seen.how == "done" else seen.line + "\n"
    refused = seen.how == "refused" or (seen.how == "done" and code == "2")
    whole = refused and line.count("\n") == 1 and len(line) < 2500 and WAY_OUT.search(line)
    return "refused in a line" if whole else "otherwise"


def main(lines: int, calls: int, seed: int) -> int:
    """Write what came of both; return 1 where one was not refused as it should be."""
    rng = random.Random(seed)
    torch.set_num_threads(1)
    bad: list[str] = []
    tally: dict[str, Counter[str]] = {"command line": Counter(), "Python": Counter()}
    typed: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        place = Path(folder)
        make(place)
        known: set[str] = set()
        changed = 0
        wanted = {"command line": lines, "Python": calls}
        asking = {
            "command line": ((repr(w), lambda w=w: asked(w), ()) for w in commands(rng)),
            "Python": ((n, lambda c=c: str(c()) and "taken", TYPED) for n, c in
                       python_requests(rng)),
        }  # fmt: skip
        for through, requests in asking.items():
            while tally[through].total() < wanted[through]:
                name, work, refusals = next(requests)
                if name in known:
                    continue
                known.add(name)
                before = state(place)
                seen = watch(work, place, refusals)
                kind = judged(seen)
                tally[through][kind] += 1
                typed[seen.kind] += through == "Python"
                if state(place) != before:
                    changed += 1
                    kind = f"changed something on disk; {kind}"
                if kind != "refused in a line":
                    shown = re.sub(r"(\S{60})\S+", r"\1…", name)
                    bad.append(f"`{shown}`: {kind}, {seen.how} {seen.line[-300:]!r}")
        os.chdir("/")
    rows = "\n".join(
        f"| {through} | {how.total()} | {how['refused in a line']} | {how['taken']} | "
        f"{how['otherwise']} |"
        for through, how in tally.items()
    )
    command = f"nice -n 10 python benchmarks/reliability/bad_requests.py {lines} {calls} {seed}"
    kinds = ", ".join(f"{count} × {kind}" for kind, count in typed.most_common())
    page = f"""{heading("Bad requests", command)}
In a request that would do otherwise, one bad word or value, or two; none twice. "Refused in a
line": exit code 2 or a typed error, one line that says what is allowed or the way out. "Taken":
Python's duck typing let it mean something.

| through | requests | refused in a line | taken | otherwise |
|---|--:|--:|--:|--:|
{rows}

Requests after which something on disk was another: {changed}. Raised in Python: {kinds}.
"""
    page += "".join(f"\n- {line}\n" for line in bad)
    PAGE.write_text(page, encoding="utf-8", errors="backslashreplace")
    print(PAGE.read_text(encoding="utf-8"))
    return int(bool(bad))


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*[*given, *(400, 300, 1)[len(given) :]]))
