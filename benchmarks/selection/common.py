"""What the selection benchmarks share: pools, the machine in words, the clock."""

from __future__ import annotations

import os
import platform
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from selection.pool import PoolPredictions

ROOT = Path(__file__).resolve().parents[2]
RESULTS = ROOT / "results" / "benchmarks"
DATA = ROOT / "tests" / "selection" / "data"
MEASURES = ("cohen_kappa", "disagreement", "kohavi_wolpert", "generalized_diversity")
T = TypeVar("T")


@dataclass(frozen=True)
class Timing:
    """Seconds by the clock on the wall, and of processor over all threads."""

    wall: float
    cpu: float


def timed(work: Callable[[], T]) -> tuple[T, Timing]:
    wall, cpu = time.perf_counter(), time.process_time()
    value = work()
    return value, Timing(time.perf_counter() - wall, time.process_time() - cpu)


def peak_gigabytes() -> float:
    """Return the most memory this process has held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def machine() -> str:
    """Return the machine in words: cores, instruction set, versions, how busy it was."""
    flags = Path("/proc/cpuinfo")
    text = flags.read_text() if flags.exists() else ""
    isa = next((name for name in ("avx512f", "avx2", "sse4_2") if name in text), "unknown")
    busy = os.getloadavg()[0]
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, {isa}; Python "
        f"{platform.python_version()}, NumPy {np.__version__}; load {busy:.1f} when measured"
    )


def synthetic(members: int, samples: int, classes: int = 10, seed: int = 0) -> PoolPredictions:
    """Return members of about 90 % accuracy that err together in part."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, classes, samples)
    shared = rng.normal(0, 1, (samples, classes))
    logits = 0.8 * shared + rng.normal(0, 0.8, (members, samples, classes))
    logits[:, np.arange(samples), labels] += 2.9 + rng.normal(0, 0.25, (members, 1))
    p = np.exp(2 * logits)
    p = (p / p.sum(-1, keepdims=True)).astype(np.float32)
    return PoolPredictions(p, labels, tuple(map(str, range(members))), "select")


def stored(name: str) -> tuple[np.ndarray, np.ndarray]:
    """Return (M, N, C) float32 probabilities and labels of a real pool kept in the tests."""
    with np.load(DATA / f"{name}.npz") as data:
        p, labels = data["probabilities"].astype(np.float64), data["labels"].astype(np.int64)
    return (p / p.sum(-1, keepdims=True)).astype(np.float32), labels
