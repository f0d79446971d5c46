"""Size of the artefact, and the start of a process: numpy and onnxruntime alone against torch.

    python benchmarks/product/startup.py

Builds our wheel and installs it without dependencies beside numpy and onnxruntime in a
virtual environment of its own (pip must reach a package index), then times, in turns, a
process that loads and predicts one image there and one that does it with torch here.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from teams import heading, random_team

from ensemble.loader import load
from ensemble.model import Ensemble

ROOT = Path(__file__).resolve().parents[2]
PREDICT = """
import sys, numpy as np, ensemble
clf = ensemble.load(sys.argv[1])
print(clf.predict(np.zeros((1, 28, 28), np.uint8)), 'torch' in sys.modules)
"""
REPEATS = 7


def bare_python(folder: Path) -> str:
    """Return the Python of a virtual environment with numpy, onnxruntime and our wheel."""
    venv.create(folder / "venv", with_pip=True)
    python = str(folder / "venv" / "bin" / "python")
    pip = [python, "-m", "pip", "install", "--quiet"]
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "-w", str(folder)]
    subprocess.run([*wheel, str(ROOT)], check=True)
    subprocess.run([*pip, "numpy", "onnxruntime"], check=True)
    subprocess.run(
        [*pip, "--no-deps", *map(str, folder.glob("*.whl"))], check=True, capture_output=True
    )
    return python


def start(python: str, path: Path, folder: Path) -> float:
    """Return the seconds of a process that loads and predicts."""
    begun = time.perf_counter()
    command = [python, "-c", PREDICT, str(path)]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    return time.perf_counter() - begun


def folder_bytes(folder: Path) -> int:
    """Return the bytes of all files in a folder."""
    return sum(path.stat().st_size for path in folder.iterdir())


def main() -> None:
    """Print sizes and times."""
    shape = (1, 28, 28)
    print(heading("Size and start of the artefact", "python benchmarks/product/startup.py"))
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for name, count, keep in (("team", 5, 0.3), ("S", 5, 1.0), ("M", 20, 1.0)):
            random_team(["conv-b"] * count, 10, shape, keep).save(folder / name)
        team = load(folder / "team")
        assert isinstance(team, Ensemble)
        team.export(folder / "team.onnx")
        ours, single, many = (folder_bytes(folder / name) for name in ("team", "S", "M"))
        print(
            f"- artefact of 5 `conv-b` pruned to 30 % of their units: {ours:,} bytes, "
            f"{ours / single:.3f} of S = 5 unpruned, {ours / many:.3f} of M = 20 unpruned; "
            f"its ONNX file {(folder / 'team.onnx').stat().st_size:,} bytes"
        )
        python = bare_python(folder)
        said = subprocess.run(
            [python, "-c", PREDICT, str(folder / "team.onnx")],
            check=True, cwd=folder, capture_output=True, text=True,
        )  # fmt: skip
        listed = subprocess.run(
            [python, "-m", "pip", "list", "--format=freeze"],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        answer, torch_there = said.stdout.split()
        print(
            f"- in an environment of {', '.join(listed.stdout.split())} it answers {answer}, "
            f"torch {'IS' if torch_there == 'True' else 'is not'} loaded"
        )
        pairs = [
            (
                start(python, folder / "team.onnx", folder),
                start(sys.executable, folder / "team", folder),
            )
            for _ in range(REPEATS)
        ]
        ratios = [bare / torch for bare, torch in pairs]
        bare, torch = (statistics.median(column) for column in zip(*pairs, strict=True))
        print(
            f"- loading and predicting one image takes a process {bare:.2f} s there, {torch:.2f} s "
            f"with torch, ratio {statistics.median(ratios):.2f} (median of {REPEATS}; allowed "
            "is 0.5)"
        )


if __name__ == "__main__":
    main()
