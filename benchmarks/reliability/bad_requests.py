"""400 bad requests on the command line, 300 through Python: is each refused in one line?

    nice -n 10 python benchmarks/reliability/bad_requests.py [command line] [Python] [seed]

Each in a process of its own. Exit code 2 (or a typed error), one line, no traceback, and nothing on
disk changed. Prints the page in results/reliability.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib
import io
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "benchmarks" / "product")]

import click  # noqa: E402
import hostile  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from teams import heading  # noqa: E402
from watched import watch  # noqa: E402

import dropnet_ensemble as de  # noqa: E402
import ensemble  # noqa: E402
from pipelines.commands.cli import cli, run  # noqa: E402
from pipelines.commands.setting_options import SettingOption  # noqa: E402

TEAM = str(hostile.KEPT / "team")
NUMBERS = ("inf", "-inf", "nan", "-1", "1e400", "abc", "", "0x10", "1,5", "9" * 30, "-0.5", "١٢x")
TEXTS = ("", "no-such-thing", "\x1b[2J", "no such:thing", "../..:x", "os:", ":x", "x" * 5000)
PLACES = ("", "x" * 300, "/no/such/place", "/dev/null/x", "missing.npz", "\udcff", "a/" * 3000)
SAMPLES = np.zeros((3, *hostile.SAMPLE), np.uint8)

TYPED = (ValueError, TypeError, AttributeError, OSError)
"""What Python's users expect of a wrong value, kind, name or file; or `RequestError`, the first."""


def commands(rng: random.Random) -> Iterator[list[str]]:
    """Yield bad requests without end: one bad word in a request that would do otherwise."""
    base = {
        "build": ["build", "--out", "new"], "select": ["select", "missing", "--out", "new"],
        "archs": ["archs"], "check": ["check", "mlp-a", "--input", "3x8x8"],
        "predict": ["predict", TEAM, "missing.npy"], "compare": ["compare", "missing"],
        "show": ["show", "missing"], "verify": ["verify", "missing"], "log": ["log", "missing"],
        "export": ["export", "missing"], "serve": ["serve", "missing"],
    }  # fmt: skip
    while True:
        name = rng.choice(sorted(base))
        options = [p for p in cli.commands[name].params if isinstance(p, click.Option)]
        option = rng.choice([o for o in options if not o.is_flag and o.name not in ("config",)])
        number = option.type.name in ("integer", "float", "integer range")
        words = NUMBERS if number else PLACES if option.name in ("out", "tensorboard") else TEXTS
        flag = option.opts[0]
        if isinstance(option, SettingOption) and not option.setting.allowed and not number:
            words = ("",)  # free text: any other may be meant
        match rng.randrange(4):
            case 0 if words:
                yield [*base[name], flag, rng.choice(words)]
            case 1:
                yield [
                    *base[name][:1],
                    rng.choice(PLACES),
                    *base[name][2:],
                    flag,
                    rng.choice(words),
                ]
            case 2:
                yield [*base[name], rng.choice(["--no-such", "--", f"{flag}x", "-q"]), "1"]
            case 3:
                yield [*base[name][:1], *([rng.choice(PLACES)] if name != "archs" else ["no-such"])]


def asked(words: list[str]) -> str:
    """Run a request; return its exit code and what it said."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(words)
    return f"{code} {err.getvalue()}"


def python_requests(rng: random.Random) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield bad calls without end."""
    odd: list[Any] = [
        None, {}, {"a": 1}, set(), b"x", object(), "missing.png", float("nan"), -1, 0, 1.5, [None],
        [[]], [{}], ["missing.png"], np.array("x"), np.full((3, 3), np.nan), np.zeros((0, 2)),
        np.zeros((2, 5, 5)), np.zeros(3, object), np.full((3, *hostile.SAMPLE), 300),
        torch.zeros(2, 2), lambda: 0, True, 10**30, "x" * 5000, "\x1b[2J", [1, "a"], range(3),
    ]  # fmt: skip
    fields = """m s epochs batch_size learning_rate keep kappa metric method arch voting seed
                engine optimizer schedule no_such data""".split()  # noqa: SIM905
    while True:
        x = rng.choice(odd)
        kinds = "proba score weights params load arrays config select ensemble fit members"
        kind = rng.choice(kinds.split())

        def call(kind: str = kind, x: Any = x, field: str = rng.choice(fields)) -> Any:
            team = ensemble.load(TEAM)
            match kind:
                case "proba":
                    return team.predict_proba(x)
                case "members":
                    return team.predict_members(x)
                case "score":
                    return team.score(SAMPLES, x)
                case "weights":
                    return team.score(SAMPLES, team.predict(SAMPLES), [x] * 3)
                case "params":
                    return team.set_params(**{rng.choice(["batch_size", "device", "cascade"]): x})
                case "load":
                    return ensemble.load(x)
                case "arrays":
                    return de.Splits.from_arrays(x, np.arange(3))
                case "config":
                    return de.BuildConfig.of(**{field: x})
                case "select":
                    return de.select(x, np.arange(3), size=2)
                case "ensemble":
                    return de.Ensemble(x, classes=[0, 1], input_shape=(3,))
                case "fit":
                    return de.DropNetEnsembleClassifier(m=2, s=1).fit(x, np.arange(3))

        yield f"{kind} {type(x).__name__} {str(x)[:30]!r}", call


def state(folder: Path) -> str:
    """Return a digest of everything in a folder."""
    names = sorted(str(path) for path in folder.rglob("*"))
    return hashlib.sha256("\n".join(names).encode(errors="replace")).hexdigest()


def main(lines: int, calls: int, seed: int) -> int:
    """Print what came of both; return 1 where one was not refused as it should be."""
    rng = random.Random(seed)
    torch.set_num_threads(1)
    asked(["archs", "mlp-a"]), asked(["check", "mlp-a", "--input", "9"])  # imports what all need
    for module in ("build", "compare", "select", "export", "predict", "show", "log", "serve"):
        importlib.import_module(f"pipelines.commands.{module}")
    bad: list[str] = []
    tally: dict[str, Counter[str]] = {"command line": Counter(), "Python": Counter()}
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        before = state(Path(place))
        for words, _ in zip(commands(rng), range(lines), strict=False):
            seen = watch(lambda w=words: asked(w), Path(place), ())
            code, _, said = seen.line.partition(" ")
            good = seen.how == "done" and code == "2" and said.count("\n") == 1
            kind = "refused in a line" if good else "otherwise"
            tally["command line"][kind] += 1
            if not good:
                shown = " ".join(word[:40] for word in words)
                bad.append(f"`{shown!r}`: {seen.how} {seen.line[-200:]!r}")
        for (name, call), _ in zip(python_requests(rng), range(calls), strict=False):
            seen = watch(lambda c=call: str(c()) and "taken", Path(place), TYPED)
            good = seen.how == "refused" and "\n" not in seen.line
            kind = "refused in a line" if good else "taken" if seen.how == "done" else "otherwise"
            tally["Python"][kind] += 1
            if not good:
                bad.append(f"`{name}`: {seen.how} {seen.line[-200:]!r}")
        changed = state(Path(place)) != before
    print(heading("Bad requests", f"nice -n 10 python benchmarks/reliability/bad_requests.py "
                  f"{lines} {calls} {seed}"))  # fmt: skip
    print('One bad word or value in each. "Taken": Python\'s duck typing let it mean something.\n')
    print("| through | requests | refused in a line | taken | otherwise |\n|---|--:|--:|--:|--:|")
    for through, how in tally.items():
        counts = (how[kind] for kind in ("refused in a line", "taken", "otherwise"))
        print(f"| {through} | {how.total()} | {' | '.join(map(str, counts))} |")
    print(f"\nOn disk {'something' if changed else 'nothing'} changed.")
    for line in bad:
        print(f"\n- {line}")
    return int(changed or bool(bad))


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    sys.exit(main(*[*given, *(400, 300, 1)[len(given) :]]))
