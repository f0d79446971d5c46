"""Predicting from an ``.onnx`` file speaks to nobody and leaves nothing behind."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from forbidding import CAN_FORBID, DIED, FORBID_SOCKETS

from ensemble.model import Ensemble
from pruning.networks.architecture import NETWORKS

ROOT = Path(__file__).parents[2]
RUN = "import sys; from pipelines.commands.cli import run; sys.exit(run(sys.argv[1:]))"


def _alone(code: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run code in a process to which every place for files is an empty folder."""
    places = ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "TMPDIR")
    kept = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    for place in places:
        (folder / place).mkdir(parents=True)
    own = {place: str(folder / place) for place in places}
    return subprocess.run(
        [sys.executable, "-B", "-c", code, *words], cwd=folder / "HOME", env=kept | own,
        capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.skipif(not CAN_FORBID, reason="sockets are forbidden by a filter of Linux")
def test_predict_opens_no_socket_and_writes_nothing(tmp_path: Path) -> None:
    team = Ensemble([NETWORKS["mlp-a"](2, (4,), (3, 3))] * 2, ["a", "b"], (4,))
    team.export(tmp_path / "team.onnx")
    np.save(tmp_path / "rows.npy", np.zeros((3, 4), np.float32))
    before = sorted(tmp_path.iterdir())
    done = _alone(
        FORBID_SOCKETS + RUN, tmp_path / "places", "predict", str(tmp_path / "team.onnx"),
        str(tmp_path / "rows.npy"),
    )  # fmt: skip
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 4)
    assert not [path for path in (tmp_path / "places").rglob("*") if path.is_file()]
    assert sorted(tmp_path.iterdir()) == [tmp_path / "places", *before]


@pytest.mark.skipif(not CAN_FORBID, reason="sockets are forbidden by a filter of Linux")
def test_the_filter_would_see_a_socket(tmp_path: Path) -> None:
    done = _alone(FORBID_SOCKETS + "import socket; socket.socket()", tmp_path / "places")
    assert done.returncode == DIED


def test_every_function_that_imports_onnxruntime_forbids_it_to_talk_first() -> None:
    seen = 0
    for folder in ("pruning", "selection", "ensemble", "pipelines"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            module = ast.parse(path.read_text(encoding="utf-8"))
            imports = _lines(module, _imports_it)
            for function in ast.walk(module):
                if isinstance(function, ast.FunctionDef) and (
                    found := _lines(function, _imports_it)
                ):
                    first = min(_lines(function, _forbids), default=found[0])
                    assert first < found[0], f"{path}: {function.name}"
                    imports = [line for line in imports if line not in found]
                    seen += 1
            typed = _lines(
                module, lambda node: isinstance(node, ast.If) and any(map(_imports_it, node.body))
            )
            assert len(imports) == len(typed), f"{path} imports onnxruntime at the top"
    assert seen


def _lines(tree: ast.AST, wanted: Callable[[ast.AST], bool]) -> list[int]:
    return sorted(getattr(node, "lineno", 0) for node in ast.walk(tree) if wanted(node))


def _forbids(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and getattr(node.func, "id", "") == "no_telemetry"


def _imports_it(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    else:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
    return any(name.partition(".")[0] == "onnxruntime" for name in names)
