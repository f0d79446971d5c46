"""Our networks and our team against forty plain lines, on the same photos and the same parts.

    python benchmarks/accuracy/yardstick.py CIFAR WORK [--arch conv-c4] [--seeds 1,2,3] [--m 6]

2,000 photos to learn from and 6,000 new ones to judge by (`photos.py`), a build whose chosen
five cost at most one unpruned network (and a control: one network as costly as the five, trained
for as many epochs), and `plain_loop.py` on the build's own training part at
two budgets of processor time: that of one member's round 0, and that of the whole build. A line
per seed goes to results/benchmarks/yardstick.jsonl; seeds that stand there are left out. The
loop reads a part of its time from a clock, so its epochs differ a little from run to run.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from photos import make_photos

from pruning import DropNet
from pruning.data.load import load_splits
from pruning.data.splits import Splits
from pruning.dropnet.algorithm import dropnet
from pruning.dropnet.population import Runs

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parents[1] / "results" / "benchmarks" / "yardstick.jsonl"
TEAM = 5
ROWS = (
    "single_best_unpruned", "single_mean_unpruned", "top_s_unpruned", "all_unpruned", "all_pruned",
    "control", "selected",
)  # fmt: skip


def main() -> None:
    """Measure the seeds that are not there yet."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("cifar", type=Path, help="holds train/<class>/ and test/<class>/")
    parser.add_argument("work", type=Path, help="photos and runs go here")
    parser.add_argument("--arch", default="conv-c4")
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--m", type=int, default=6)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    photos = asked.work / "photos"
    make_photos(asked.cifar, photos)
    known = {(row["arch"], row["seed"], row["m"]) for row in _rows()}
    for seed in map(int, asked.seeds.split(",")):
        if (asked.arch, seed, asked.m) not in known:
            row = measure(photos, asked.work, asked.arch, seed, asked.m)
            RESULTS.parent.mkdir(parents=True, exist_ok=True)
            with RESULTS.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps(row) + "\n")
    report([row for row in _rows() if row["arch"] == asked.arch and row["m"] == asked.m])


def measure(photos: Path, work: Path, arch: str, seed: int, m: int) -> dict[str, Any]:
    """Return what one seed gives."""
    splits = load_splits(photos, seed=seed).splits
    parts = work / f"parts-{seed}.npz"
    np.savez(
        parts, x_train=splits.train.images, y_train=splits.train.labels,
        x_new=splits.test.images, y_new=splits.test.labels,
    )  # fmt: skip
    first = round_0(splits, arch, seed)
    row: dict[str, Any] = {"arch": arch, "seed": seed, "m": m, "round_0_seconds": round(first, 1)}
    row["plain"] = plain_loop(parts, arch, seed, first)
    print(json.dumps(row), flush=True)
    whole, contenders = build(photos, work / f"{arch}-{seed}-{m}", arch, seed, m)
    row |= {"build_seconds": round(whole, 1), "contenders": contenders}
    print(json.dumps(row), flush=True)
    row["plain_long"] = plain_loop(parts, arch, seed, whole)
    print(json.dumps(row), flush=True)
    return row


def round_0(splits: Splits, arch: str, seed: int) -> float:
    """Return the processor seconds of one member's unpruned network."""
    begun = time.process_time()
    next(dropnet(Runs.of(arch, seed=seed), splits, DropNet(rounds=0)))
    return time.process_time() - begun


def plain_loop(parts: Path, arch: str, seed: int, seconds: float) -> dict[str, Any]:
    """Return what the plain loop prints that has so many processor seconds."""
    command = [HERE / "plain_loop.py", parts, arch, seed, f"{seconds}s"]
    done = subprocess.run(
        [sys.executable, *map(str, command)], check=True, capture_output=True, text=True
    )
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def build(
    photos: Path, out: Path, arch: str, seed: int, m: int
) -> tuple[float, dict[str, dict[str, float]]]:
    """Build and compare; return the build's processor seconds, and the contenders."""
    words = (
        "build", "--data", photos, "--arch", arch, "--m", m, "--s", TEAM, "--seed", seed,
        "--target-flops", 1 / m, "--out", out, "--jobs", 2,
    )  # fmt: skip
    before = _children()
    _ensemble(*words)
    seconds = _children() - before
    _ensemble(*words, "--control")
    _ensemble("compare", out)
    with (out / "comparison.csv").open(encoding="utf-8") as file:
        found = {row["contender"]: row for row in csv.DictReader(file)}
    columns = ("members", "accuracy", "flops", "bytes", "epochs_seen")
    return seconds, {
        name: {column: float(found[name][column]) for column in columns} for name in ROWS
    }


def report(rows: list[dict[str, Any]]) -> None:
    """Print means over the seeds, and differences to the plain loop at its first budget."""
    if not rows:
        return
    arch, seeds = rows[0]["arch"], [row["seed"] for row in rows]
    plain = np.array([row["plain"]["accuracy"] for row in rows])
    print(f"\n{arch}, seeds {seeds}: accuracy on 6,000 new photos")
    _line("plain loop, one member's round 0", plain, plain)
    _line("plain loop, the whole build", [r["plain_long"]["accuracy"] for r in rows], plain)
    for name in ROWS:
        found = [row["contenders"][name]["accuracy"] for row in rows]
        single = [row["contenders"]["single_mean_unpruned"]["flops"] for row in rows]
        flops = [row["contenders"][name]["flops"] for row in rows]
        share = np.mean(np.array(flops) / np.array(single))
        _line(f"{name}, {share:.2f} of one network's FLOPs", found, plain)


def _line(name: str, found: object, plain: np.ndarray) -> None:
    values = np.array(found)
    print(f"{name:60} {100 * values.mean():6.2f} %  {100 * (values - plain).mean():+6.2f}")


def _ensemble(*words: object) -> None:
    command = [sys.executable, "-m", "pipelines.commands.cli", *map(str, words)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _rows() -> list[dict[str, Any]]:
    if not RESULTS.is_file():
        return []
    return [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    main()
