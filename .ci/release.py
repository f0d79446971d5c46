"""Build sdist and wheels into dist/ and check them; with ``--tag``, tag the release.

The source distribution holds what git tracks, the wheels the packages alone: the whole one and
``dropnet-ensemble-edge``. The whole one is installed into an environment that has nothing else, and
the demo is run from there; what it exported predicts in another that has the small one alone.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
VERSION: str = PROJECT["project"]["version"]
MODULES: list[str] = PROJECT["tool"]["setuptools"].get("py-modules", [])
PACKAGES = ("pruning", "selection", "ensemble", "pipelines")
MADE = ("PKG-INFO", "setup.cfg", "dropnet_ensemble.egg-info/")
"""What setuptools adds to a source distribution."""

WHEEL = f"{VERSION}-py3-none-any.whl"

DEMO = (
    "build --m 20 --s 5 --out demo",
    "compare demo",
    "show demo",
    "export demo --out demo.onnx",
)
EDGE_DEMO = ("show demo.onnx", "predict demo.onnx photo.png")


def main() -> None:
    """Build, check, try, and tag if asked."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("--tag", action="store_true", help="make the annotated tag vVERSION")
    asked = parser.parse_args()
    if asked.tag:
        check_told()
    build()
    check_source(next(DIST.glob("*.tar.gz")))
    whole, edge = DIST / f"dropnet_ensemble-{WHEEL}", DIST / f"dropnet_ensemble_edge-{WHEEL}"
    for wheel in (whole, edge):
        check_wheel(wheel)
    with tempfile.TemporaryDirectory() as name:
        try_wheel(Path(name), f"{whole}[onnx]", DEMO)
        shutil.copy(ROOT / "docs" / "report-phone.png", Path(name) / "photo.png")
        try_wheel(Path(name), str(edge), EDGE_DEMO)
    if asked.tag:
        run("git", "tag", "--annotate", f"v{VERSION}", "--message", f"dropnet-ensemble {VERSION}")
    print(f"{VERSION} holds: {', '.join(sorted(path.name for path in DIST.iterdir()))}")


def run(*command: str | Path, folder: Path = ROOT) -> None:
    """Run a command that must succeed, without this checkout on the path."""
    print("$", *command, flush=True)
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    subprocess.run(command, cwd=folder, env=environment, check=True)


def output(*command: str) -> list[str]:
    """Return the lines a command prints."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def check_told() -> None:
    """Stop unless everything is committed and the version is told everywhere."""
    if output("git", "status", "--porcelain"):
        sys.exit("there are changes that are not committed; commit or stash them first")
    if output("git", "tag", "--list", f"v{VERSION}"):
        sys.exit(f"v{VERSION} is tagged already; raise the version in pyproject.toml")
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    first = next(line for line in changes.splitlines() if line.startswith("## "))
    if first != f"## {VERSION}":
        sys.exit(f"CHANGELOG.md begins with {first!r}; it must tell of '## {VERSION}'")


def build() -> None:
    """Make the source distribution, and the wheel from it."""
    shutil.rmtree(DIST, ignore_errors=True)
    run(sys.executable, "-m", "build", "--outdir", DIST)
    run(sys.executable, ROOT / "edge" / "build.py", DIST)
    run(sys.executable, "-m", "twine", "check", "--strict", *sorted(DIST.iterdir()))


def check_source(path: Path) -> None:
    """Stop unless the source distribution holds what git tracks, and nothing else."""
    with tarfile.open(path) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    found = {name for name in names if not name.startswith(MADE)}
    compare(path, found, set(output("git", "ls-files")))


def check_wheel(path: Path) -> None:
    """Stop unless the wheel holds the packages, and nothing else."""
    with zipfile.ZipFile(path) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}
    inside = tuple(f"{package}/" for package in PACKAGES)
    modules = {f"{module}.py" for module in MODULES}
    tracked = {n for n in output("git", "ls-files") if n.startswith(inside) or n in modules}
    compare(path, found, tracked)


def compare(path: Path, found: set[str], wanted: set[str]) -> None:
    """Stop where an archive lacks something, or holds what it should not."""
    if found != wanted:
        lacking, more = sorted(wanted - found), sorted(found - wanted)
        sys.exit(f"{path.name} lacks {lacking[:9]} and has {more[:9]} more")


def try_wheel(folder: Path, wheel: str, demo: Sequence[str]) -> None:
    """Install a wheel into an environment of its own and run commands in a folder."""
    venv.create(folder / "venv", with_pip=True, clear=True)
    bin_ = folder / "venv" / "bin"
    run(bin_ / "python", "-m", "pip", "install", "--quiet", "--constraint",
        ROOT / "constraints.txt", wheel)  # fmt: skip
    for command in demo:
        run(bin_ / "ensemble", *command.split(), folder=folder)


if __name__ == "__main__":
    main()
