"""Latency, throughput and peak memory of the product against the unpruned networks.

    python benchmarks/product/speed.py [threads]

One process a contender for the memory; one process for all times, in turns, so that the
ratios come from one run; torch and ONNX Runtime with equal threads. Weights are random:
accuracy is not the matter here.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from teams import heading, noise, random_team

from ensemble.cascade import Cascade
from ensemble.combination import Combination
from ensemble.model import Ensemble
from ensemble.onnx.runtime import load_onnx

SHAPE, CLASSES, ARCH = (1, 28, 28), 10, "conv-b"
M, S, KEEP = 20, 5, 0.3
ROUNDS = 5
LOADED = """
import sys, numpy as np
from pathlib import Path
from ensemble.loader import load
from ensemble.onnx.runtime import load_onnx
x = np.random.default_rng(0).integers(0, 256, (1000, 1, 28, 28), dtype=np.uint8)
path, threads = Path(sys.argv[1]), int(sys.argv[2])
(load_onnx(path, threads=threads) if path.suffix == ".onnx" else load(path)).predict_proba(x)
print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""
Predict = Callable[[np.ndarray], np.ndarray]


def voting_loop(team: Ensemble) -> Predict:
    """Return what `VotingClassifier` does: each member predicts for itself, then the mean."""
    singles = [Ensemble([member], team.classes_, SHAPE) for member in team.members]
    return lambda x: np.mean([single.predict_proba(x) for single in singles], axis=0)


def half_cascade(team: Ensemble) -> Ensemble:
    """Return the team as a cascade in which about half of the samples stop at the first."""
    x = noise(500, SHAPE)
    sure = team.predict_members(x)[0].max(-1)
    cascade = Cascade(tuple(range(len(team.members))), float(np.median(sure)))
    how = Combination(cascade=cascade)
    return Ensemble(team.members, team.classes_, SHAPE, combination=how).set_params(cascade=True)


def contender(name: str, folder: Path, threads: int) -> Predict:
    """Return the prediction of a contender by its name."""
    if name == "voting loop, S pruned":
        return voting_loop(random_team([ARCH] * S, CLASSES, SHAPE, KEEP))
    if name == "cascade, S pruned":
        return half_cascade(random_team([ARCH] * S, CLASSES, SHAPE, KEEP)).predict_proba
    if name.startswith("onnx"):
        return load_onnx(folder / f"{name.split(',')[0]}.onnx", threads=threads).predict_proba
    count = {"one": 1, "S": S, "M": M}[name.split()[0]]
    keep = 1.0 if "unpruned" in name else KEEP
    return random_team([ARCH] * count, CLASSES, SHAPE, keep).predict_proba


NAMES = (
    "one unpruned", "S unpruned", "M unpruned", "voting loop, S pruned", "S pruned",
    "cascade, S pruned", "onnx, S pruned", "onnx int8, S pruned",
)  # fmt: skip


def export(folder: Path) -> None:
    """Write every team as the artefact or file that a process of its own loads."""
    teams = {"one unpruned": (1, 1.0), "S unpruned": (S, 1.0), "M unpruned": (M, 1.0),
             "S pruned": (S, KEEP)}  # fmt: skip
    for name, (count, keep) in teams.items():
        random_team([ARCH] * count, CLASSES, SHAPE, keep).save(folder / name)
    team = random_team([ARCH] * S, CLASSES, SHAPE, KEEP)
    x = noise(200, SHAPE)
    team.export(folder / "onnx.onnx")
    team.export_int8(folder / "onnx int8.onnx", x, team.predict(x), allowed_loss=0.5)


def seconds(predict: Predict, x: np.ndarray, repeats: int) -> float:
    """Return the seconds of one call, the least of several."""
    best = float("inf")
    for _ in range(repeats):
        begun = time.perf_counter()
        predict(x)
        best = min(best, time.perf_counter() - begun)
    return best


def peak_memory(name: str, folder: Path, threads: int) -> str:
    """Return the MiB of a process that loads a contender and predicts 1,000 images."""
    path = folder / (f"{name.split(',')[0]}.onnx" if name.startswith("onnx") else name)
    if not path.exists():
        return "–"
    command = [sys.executable, "-c", LOADED, str(path), str(threads)]
    limits = {**os.environ, "OMP_NUM_THREADS": str(threads)}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=limits)
    return f"{int(done.stdout) / 1024:.0f}"


def main(folder: Path, threads: int) -> None:
    """Print a row a contender; ratios are to one unpruned network."""
    command = f"python benchmarks/product/speed.py {threads}"
    print(heading("Latency, throughput and memory against the unpruned networks", command))
    torch.set_num_threads(threads)
    export(folder)
    predicts = {name: contender(name, folder, threads) for name in NAMES}
    one, many = noise(1, SHAPE), noise(128, SHAPE)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in NAMES}
    for _ in range(ROUNDS):
        for name, predict in predicts.items():
            times[name].append((seconds(predict, one, 20), seconds(predict, many, 2)))
    # what else the machine does only ever adds to a time
    least = {name: np.min(values, axis=0) for name, values in times.items()}
    base = least["one unpruned"]
    print(f"`{ARCH}` on 28×28, {CLASSES} classes; M = {M}, S = {S}, pruned to {KEEP:.0%} of the "
          f"units; {threads} thread(s) each. The least of {ROUNDS} turns; ratios are to one "
          "unpruned network. Peak is of a process that loads it and predicts 1,000 images.\n"
          "\n| contender | batch 1, ms | ratio | batch 128, ms | ratio | images/s | peak MiB |"
          "\n|---|--:|--:|--:|--:|--:|--:|")  # fmt: skip
    for name, (first, second) in least.items():
        print(
            f"| {name} | {first * 1e3:.2f} | {first / base[0]:.2f} | {second * 1e3:.1f} "
            f"| {second / base[1]:.2f} | {128 / second:,.0f} "
            f"| {peak_memory(name, folder, threads)} |",
            flush=True,
        )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        main(Path(place), int(sys.argv[1]) if len(sys.argv) > 1 else 1)
