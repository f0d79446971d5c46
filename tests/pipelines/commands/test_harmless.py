"""What is printed does no harm, and nothing of the current folder runs unasked."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import pytest

from pipelines.build.placement import _own_path_only
from pipelines.commands.cli import run

ESCAPES = "\x1b[2J\x9b31m\u202e"


def _named(content: dict[str, Any]) -> None:
    content["classes"] = {"kind": "str", "labels": [f"a{ESCAPES}", "b", "[red]c[/red]"]}
    content["members"][0]["name"] = f"m{ESCAPES}"
    content["provenance"]["data"] = f"d{ESCAPES}"


def test_names_move_no_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    team = str(hostile.folder(tmp_path / "team", _named))
    x = tmp_path / f"x{ESCAPES}.npy"
    np.save(x, np.zeros((2, *hostile.SAMPLE), np.uint8))
    bad = tmp_path / f"bad{ESCAPES}.png"
    bad.write_bytes(b"")
    assert run(["show", team]) == 0
    for form in ("csv", "jsonl"):
        assert run(["predict", team, str(x), str(bad), "--format", form, "--explain"]) == 1
    assert run(["show", f"{team}{ESCAPES}"]) == 2
    said = capsys.readouterr()
    for text in said:
        assert not set(ESCAPES[:1] + "\x9b\u202e") & set(text)
    assert r"\x1b[2J" in said.out and r"\x1b[2J" in said.err
    rows = [json.loads(line) for line in said.out.splitlines() if line.startswith("{")]
    assert f"a{ESCAPES}" in rows[0]["probabilities"]  # JSON keeps the name, escaped


def _png(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        body = kind + data
        return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", ["image", "npz", "pipe.png", "pipe.npy", "pipe.npz", "device"])
def test_files_that_would_fill_the_memory_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = tmp_path / "x.png"
    match kind:
        case "image":
            path.write_bytes(_png(9000))
        case "npz":
            path = tmp_path / "x.npz"
            np.savez_compressed(path, X=np.zeros((100_000, *hostile.SAMPLE), np.uint8))
        case "device":
            path.symlink_to("/dev/zero")
        case _:
            path = tmp_path / kind
            os.mkfifo(path)
    assert run(["predict", str(hostile.KEPT / "team"), str(path)]) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert {"image": "pixels", "npz": "unpacks"}.get(kind, "no ordinary file") in line


def test_workers_import_nothing_of_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "random.py").write_text("open('ran', 'w').close()\n")
    script = (
        "import joblib\n"
        "from pipelines.build.placement import _own_path_only\n"
        "with _own_path_only():\n"
        "    print(joblib.Parallel(2)(joblib.delayed(abs)(i) for i in range(4)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script], cwd=tmp_path, text=True, capture_output=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}, check=False,
    )  # fmt: skip
    assert done.returncode == 0 and "[0, 1, 2, 3]" in done.stdout, done.stderr
    assert not (tmp_path / "ran").exists()
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    with _own_path_only():
        assert os.environ["PYTHONSAFEPATH"] == "1"
    assert "PYTHONSAFEPATH" not in os.environ
