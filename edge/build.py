"""Build the wheel of ``dropnet-ensemble-edge`` out of this tree, in this tree's version.

    python edge/build.py [FOLDER]     # dist/ unless told otherwise

The wheel has every module that the whole distribution has, so that what was tested is what runs;
its requirements, in ``pyproject.toml`` beside this file, are what an exported ``.onnx`` file needs.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = "docs/small-device.md"
KEPT = ("dropnet_ensemble.py", "ensemble", "pipelines", "pruning", "selection", "LICENSE", README)


def lay_out(folder: Path) -> Path:
    """Write into an empty folder what the small distribution is built from; return it."""
    for name in KEPT:
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, target)
    shutil.copy(ROOT / "edge" / "pyproject.toml", folder)
    whole = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (folder / "VERSION").write_text(whole["project"]["version"] + "\n", encoding="utf-8")
    return folder


def build(out: Path) -> Path:
    """Build the wheel into a folder and return its path; pip may fetch setuptools for that."""
    with tempfile.TemporaryDirectory() as work:
        laid, made = Path(work) / "tree", Path(work) / "made"
        laid.mkdir()
        pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        subprocess.run([*pip, "--wheel-dir", made, lay_out(laid)], check=True)
        out.mkdir(parents=True, exist_ok=True)
        (wheel,) = made.iterdir()
        return Path(shutil.copy(wheel, out))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "dist")
    print(build(parser.parse_args().folder))
