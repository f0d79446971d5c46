"""Lines of ``build.log``: whole, whoever appends them, and whatever was there."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.run.build_log import append_line, cut_torn_line


def lines_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


WRITER = """
import sys
from pathlib import Path
from pipelines.run.build_log import append_line
for count in range(200):
    append_line(Path(sys.argv[1]), {"writer": sys.argv[2], "count": count, "text": "é" * 500})
"""


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "log"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path), str(n)]) for n in range(4)
    ]
    assert [writer.wait() for writer in writers] == [0] * 4
    lines = lines_of(path)
    for number in range(4):
        own = [line["count"] for line in lines if line["writer"] == str(number)]
        assert own == list(range(200))


@pytest.mark.parametrize(
    ("there", "left"),
    [
        (b"", b""),
        (b'{"what": "began"}\n', b'{"what": "began"}\n'),
        (b'{"what": "began"}\n{"what": "rou', b'{"what": "began"}\n'),
        (b'{"what": "be', b""),
        (b"{}\n" + b"x" * 200_000, b"{}\n"),
        (b"x" * 200_000, b""),
        (b"{}\n" * 70_000 + b"\xce", b"{}\n" * 70_000),
    ],
)
def test_a_torn_last_line_is_cut_off(there: bytes, left: bytes, tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(there)
    cut_torn_line(path)
    assert path.read_bytes() == left
    append_line(path, {"a": 1})
    assert path.read_bytes() == left + b'{"a": 1}\n'


def test_a_log_that_is_not_there_is_begun(tmp_path: Path) -> None:
    cut_torn_line(tmp_path / "log")
    assert not list(tmp_path.iterdir())
    append_line(tmp_path / "log", {"κ": 0.97})
    assert lines_of(tmp_path / "log") == [{"κ": 0.97}]
