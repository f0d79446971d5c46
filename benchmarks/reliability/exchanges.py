"""A file of a compared run damaged, or exchanged for another: what becomes of it."""

from __future__ import annotations

import csv
import functools
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from trial_work import Work, ended, files, start

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
