"""500 artefacts and files of somebody who means harm, their seals made right: what do they do?

    nice -n 10 python benchmarks/reliability/hostile_files.py [how many] [seed]

Each is loaded, shown and asked for two predictions, or handed over as an input, in a process of
its own, beside an audit of what Python opens and starts. Its page: results/reliability.
"""

from __future__ import annotations

import os
import random
import struct
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "benchmarks" / "product")]

import hostile  # noqa: E402
import numpy as np  # noqa: E402
import torch  # noqa: E402
from hostile_kinds import files, graphs, inputs, manifests, texts, weights  # noqa: E402
from teams import heading  # noqa: E402
from watched import Seen, watch  # noqa: E402

import ensemble  # noqa: E402
from ensemble.reading.sources import Failure  # noqa: E402
from ensemble.stream import csv_header, csv_line, predict_stream  # noqa: E402
from ensemble.summary import view  # noqa: E402
from pipelines.commands.show import _facts, _members  # noqa: E402
from pruning.core.errors import RequestError  # noqa: E402
from pruning.core.plain_text import plain  # noqa: E402

SAMPLES = np.zeros((2, *hostile.SAMPLE), np.uint8)
MORE_MEMORY, MORE_SECONDS = 100, 2


def artefact(path: Path) -> str:
    """Load, show and ask an artefact; return what it said."""
    model = ensemble.load(path)
    shape = model.description.input_shape
    found = model.predict_proba(np.zeros((2, *shape), np.uint8 if len(shape) == 3 else np.float32))
    about = view(model)
    said = [*_facts(about), *(cell for row in _members(about) for cell in row), csv_header(model)]
    if not np.allclose(found.sum(1), 1, atol=0.02) or set("\x1b\x9b\u202e") & set(
        plain("".join(said))
    ):
        raise ValueError("it answered, or printed, what it may not")
    return "answers"


def given(path: Path) -> str:
    """Hand an input over to a good ensemble; a failure counts as refused."""
    model = ensemble.load(hostile.KEPT / "team.onnx")
    for result in predict_stream(model, [str(path)]):
        if isinstance(result, Failure):
            raise RequestError(f"{result.source}: {result.reason}")
        csv_line(result)
    return "answers"


def main(count: int, seed: int) -> int:
    """Print what came of each kind; return 1 where one did harm."""
    rng = random.Random(seed)
    share = count // 5
    cases = [*files(), *texts(), *weights(rng, share * 3 // 5), *inputs(share * 3 // 5),
             *graphs(rng, share * 7 // 5)]  # fmt: skip
    cases += manifests(rng, count - len(cases))
    torch.set_num_threads(1)
    rows: dict[str, list[tuple[str, Seen]]] = {}
    with tempfile.TemporaryDirectory() as place:
        os.chdir(place)
        Path("secret").write_bytes(struct.pack("<f", 1.0))
        base = Path(place)
        good_png = base / "good.npy"
        np.save(good_png, SAMPLES)
        good = {
            kind: min(
                (watch(lambda p=path, w=work: w(p), base, (RequestError,)) for _ in range(4)),
                key=lambda seen: seen.seconds,
            )
            for kind, path, work in (
                ("graph", hostile.KEPT / "team.onnx", artefact),
                ("folder", hostile.KEPT / "team", artefact), ("input", good_png, given),
            )
        }  # fmt: skip
        assert {seen.how for seen in good.values()} == {"done"}, good
        for number, (name, make) in enumerate(cases):
            home = base / str(number)
            home.mkdir()
            path = make(home / "team")
            kind = name.partition(":")[0]
            work = given if kind == "input" else artefact
            seen = watch(lambda p=path, w=work: w(p), base, (RequestError,))
            usual = good[kind if kind in good else "folder"]
            rows.setdefault(kind, []).append((
                name, seen._replace(seconds=seen.seconds - usual.seconds,
                                    mebibytes=seen.mebibytes - usual.mebibytes),
            ))  # fmt: skip
        ran = Path("ran").exists()
    report(rows, sum(map(len, rows.values())), seed, ran)
    return int(any(harm(seen) for found in rows.values() for _, seen in found) or ran)


def harm(seen: Seen) -> bool:
    """Whether a case did what none may do."""
    return (
        seen.how not in ("refused", "done") or "\n" in seen.line or bool(seen.strange)
        or seen.mebibytes > MORE_MEMORY or seen.seconds > MORE_SECONDS
    )  # fmt: skip


def report(rows: dict[str, list[tuple[str, Seen]]], count: int, seed: int, ran: bool) -> None:
    """Print the table, and every case that did harm."""
    asked = f"nice -n 10 python benchmarks/reliability/hostile_files.py {count} {seed}"
    print(heading(f"{count} artefacts and files of somebody who means harm", asked))
    print("Seals made right. MiB and seconds of a processor are beyond a good one's, the most of "
          "each kind. \"Answers\": the change did no harm, such as another name.\n")  # fmt: skip
    columns = ("kind", "cases", "refused in a line", "answers", "tracebacks", "died", "hung",
               "started or opened outside", "MiB", "seconds")  # fmt: skip
    print(f"| {' | '.join(columns)} |\n|---|{'--:|' * (len(columns) - 1)}")
    for kind, found in rows.items():
        how = Counter(seen.how for _, seen in found)
        outcomes = (how[one] for one in ("refused", "done", "traceback", "died", "hung"))
        cells = (kind, len(found), *outcomes, sum(bool(seen.strange) for _, seen in found),
                 f"{max(seen.mebibytes for _, seen in found):.0f}",
                 f"{max(seen.seconds for _, seen in found):.1f}")  # fmt: skip
        print(f"| {' | '.join(map(str, cells))} |")
    print(f"\nCode of an author's {'ran' if ran else 'ran in none'}.")
    for kind, found in rows.items():
        for name, seen in found:
            if harm(seen):
                line = " ".join(seen.line.split())[-300:]
                print(f"\n- {kind}, {name}: {seen.how}, {seen.mebibytes:.0f} MiB, "
                      f"{seen.seconds:.1f} s, {seen.strange[:2]}: {line}")  # fmt: skip


if __name__ == "__main__":
    sys.exit(main(*(int(word) for word in [*sys.argv[1:], "500", "1"][:2])))
