"""The small distribution: start, memory and disk beside the whole one; which wheels it takes.

    python benchmarks/product/edge.py

Builds the wheel of `dropnet-ensemble-edge` and installs it, alone, into a virtual environment (pip
must reach a package index). Then runs `ensemble predict` in turns: there with one `.onnx` file,
here with the same file, and here with the artefact on torch. Last, pip resolves the requirements
for other Pythons and machines.
"""

from __future__ import annotations

import csv
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from teams import heading, noise, random_team

ROOT = Path(__file__).resolve().parents[2]
SHAPE = (1, 28, 28)
IMAGES, REPEATS = 500, 5
COMMAND = """
import sys, time
from pipelines.commands.cli import run
code = run(sys.argv[1:])
sys.stdout.flush()
peak = open("/proc/self/status").read().split("VmHWM:")[1].split()[0]
print(time.process_time(), peak, file=sys.stderr)
sys.exit(code)
"""
"""A command; then on standard error its seconds of processor time and its peak memory in KiB."""


class Run(NamedTuple):
    """Seconds from start to end, seconds of processor time, and the most memory held."""

    seconds: float
    processor: float
    mebibytes: float


PYTHONS = ("3.11", "3.12", "3.13")
MACHINES = ("x86_64", "aarch64")
GLIBC = {"2.28": ("2_28", "2_27", "2_17"), "2.17": ("2_17",)}
"""The C library of a machine, and the manylinux tags that run there; 2_17 is manylinux2014."""


def small_environment(folder: Path) -> tuple[Path, Path]:
    """Return the wheel, and the folder of the programs of an environment with nothing else."""
    made = subprocess.run(
        [sys.executable, ROOT / "edge" / "build.py", folder],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    wheel = Path(made.stdout.split()[-1])
    venv.create(folder / "venv", with_pip=True)
    programs = folder / "venv" / "bin"
    subprocess.run([programs / "pip", "install", "--quiet", wheel], check=True)
    return wheel, programs


def predict(python: Path, folder: Path, source: str, given: str) -> Run:
    """Run `ensemble predict` with its output to a file."""
    begun = time.perf_counter()
    with (folder / "out.csv").open("wb") as out:
        done = subprocess.run(
            [python, "-c", COMMAND, "predict", source, given], stdout=out, cwd=folder, check=True,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
    processor, kibibytes = done.stderr.split()[-2:]
    return Run(time.perf_counter() - begun, float(processor), int(kibibytes) / 1024)


def answers(folder: Path) -> list[list[float]]:
    """Return the probabilities that the last run wrote."""
    with (folder / "out.csv").open(newline="") as lines:
        return [[float(cell) for cell in row[2:]] for row in list(csv.reader(lines))[1:]]


def compare(programs: Path, folder: Path) -> None:
    """Print a table of the three ways, for one image and for many."""
    here = Path(sys.executable)
    ways = {
        "`dropnet-ensemble-edge`, .onnx": (programs / "python", "team.onnx"),
        "`dropnet-ensemble`, .onnx": (here, "team.onnx"),
        "`dropnet-ensemble`, torch": (here, "team"),
    }
    columns = "s | of processor, s | peak MiB"
    print(f"| | one image, {columns} | {IMAGES} images, {columns} |\n|---|{'--:|' * 6}")
    seen: dict[str, tuple[list[Run], list[Run]]] = {name: ([], []) for name in ways}
    said = {}
    for _ in range(REPEATS):
        for name, (python, source) in ways.items():
            for which, given in enumerate(("images/000.png", "images")):
                seen[name][which].append(predict(python, folder, source, given))
            said[name] = answers(folder)
    for name, measured in seen.items():
        cells = [
            f"{min(turn.seconds for turn in turns):.2f} | "
            f"{min(turn.processor for turn in turns):.2f} | "
            f"{max(turn.mebibytes for turn in turns):.0f}"
            for turns in measured
        ]
        print(f"| {name} | {' | '.join(cells)} |")
    first, *others = said.values()
    apart = max(
        abs(a - b) for other in others for row, found in zip(first, other, strict=True)
        for a, b in zip(row, found, strict=True)
    )  # fmt: skip
    print(
        f"\nTimes are the least of {REPEATS} turns, memory the most, of whole processes. "
        f"No probability of {len(first)} images differs by more than {apart:.1e}."
    )


def size(folder: Path) -> str:
    """Return what the files in a folder take."""
    return f"{sum(p.stat().st_size for p in folder.rglob('*') if p.is_file()) / 1e6:,.0f} MB"


def sizes(wheel: Path, programs: Path) -> None:
    """Print what lies on the disk in each environment."""
    (there,) = (programs.parent / "lib").glob("python*/site-packages")
    here = Path(next(p for p in sys.path if p.endswith("site-packages")))
    for name in ("pip", "setuptools"):
        for path in sorted(there.glob(f"{name}*")):
            subprocess.run(["rm", "-r", path], check=True)
    print(
        f"\nOn disk: {size(there)} of packages, of which ours {wheel.stat().st_size / 1e6:.1f} MB "
        f"as a wheel; the environment of the whole distribution and its tests {size(here)}."
    )


def resolved(wheel: Path, programs: Path) -> Iterator[str]:
    """Yield a line of a table for each Python, machine and C library."""
    for python in PYTHONS:
        for machine in MACHINES:
            for glibc, tags in GLIBC.items():
                with tempfile.TemporaryDirectory() as place:
                    platforms = [f"--platform=manylinux_{tag}_{machine}" for tag in tags]
                    done = subprocess.run(
                        [programs / "pip", "download", "--quiet", "--only-binary=:all:", *platforms,
                         f"--platform=manylinux2014_{machine}", f"--python-version={python}",
                         "--implementation=cp", f"--dest={place}", f"{wheel}[serve]"],
                        capture_output=True, text=True, check=False,
                    )  # fmt: skip
                    found = dict(p.name.split("-")[:2] for p in Path(place).iterdir())
                    names = ("numpy", "onnxruntime", "pillow", "click")
                    what = ", ".join(f"{name} {found.get(name)}" for name in names)
                    if done.returncode:
                        lines = done.stderr.splitlines()
                        what = next(line for line in lines if line.startswith("ERROR: No matching"))
                        what = f"no: {what.removeprefix('ERROR: ')}"
                yield f"| {python} | {machine} | {glibc} | {what} |"


def main() -> None:
    """Print times, memory, sizes and wheels."""
    print(heading("The small distribution", "python benchmarks/product/edge.py"), flush=True)
    print("A team of five `conv-b`, pruned to 30 % of their units, on 28×28 PNG files.\n")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        team = random_team(["conv-b"] * 5, 10, SHAPE, 0.3)
        team.save(folder / "team")
        team.export(folder / "team.onnx")
        (folder / "images").mkdir()
        for i, image in enumerate(noise(IMAGES, SHAPE)):
            Image.fromarray(image[0]).save(folder / "images" / f"{i:03d}.png")
        wheel, programs = small_environment(folder)
        compare(programs, folder)
        print("\nWheels that pip takes (`pip download --only-binary=:all:`), `[serve]` included:\n")
        print("| Python | machine | glibc | |\n|---|---|---|---|", flush=True)
        for line in resolved(wheel, programs):
            print(line, flush=True)
        sizes(wheel, programs)


if __name__ == "__main__":
    main()
