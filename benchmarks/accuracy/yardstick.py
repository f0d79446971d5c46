"""Our networks and our team against forty plain lines, on the same photos and the same parts.

    python benchmarks/accuracy/yardstick.py CIFAR WORK [--arch conv-c4] [--seeds 1,2,3] [--m 6]
        [--metric fpgm_layer] [--epochs N] [--optimizer NAME] [--jobs 2] [--small-team]

2,000 photos to learn from and 6,000 new ones to judge by (`photos.py`), a build whose chosen
five cost at most one unpruned network (and a control: one network as costly as the five, trained
for as many epochs; with ``--small-team`` as many small ones, too), and `plain_loop.py` on the
build's own training part at two budgets of processor time: that of one member's round 0 (networks
with batch norms by SGD, too), and that of the whole build. A line per seed stands in
results/benchmarks/yardstick.jsonl; what stands there is not measured again.
Without ``--epochs`` and ``--optimizer``, what is usual.
The loop reads the time of an epoch from a clock, so its epochs differ a little from run to run.
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
from json_lines import FOLDER, rows_of
from photos import make_photos
from plain_networks import made
from torch import nn

from pruning import DropNet, Recipe
from pruning.data.load import load_splits
from pruning.data.splits import Splits
from pruning.dropnet.algorithm import dropnet
from pruning.dropnet.population import Runs

HERE = Path(__file__).resolve().parent
RESULTS = FOLDER / "yardstick.jsonl"
TEAM = 5
ROWS = (
    "single_best_unpruned", "single_mean_unpruned", "top_s_unpruned", "all_unpruned", "all_pruned",
    "control", "small_team", "selected",
)  # fmt: skip


def main() -> None:
    """Measure what is not there yet, then report."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("cifar", type=Path, help="holds train/<class>/ and test/<class>/")
    parser.add_argument("work", type=Path, help="photos and runs go here")
    parser.add_argument("--arch", default="conv-c4")
    parser.add_argument("--seeds", default="11,12,13")
    parser.add_argument("--m", type=int, default=6)
    parser.add_argument("--metric", default="fpgm_layer")
    parser.add_argument("--epochs", type=int, help="of round 0")
    parser.add_argument("--optimizer", help="of our networks")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--first-budget-only", action="store_true", help="leave out the long loop")
    parser.add_argument("--small-team", action="store_true", help="takes as long as the pruning")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    photos = asked.work / "photos"
    make_photos(asked.cifar, photos)
    ours = {name: getattr(asked, name) for name in ("arch", "m", "metric", "epochs", "optimizer")}
    for seed in map(int, asked.seeds.split(",")):
        long = not asked.first_budget_only
        measure(
            photos, asked.work, ours | {"seed": seed}, asked.jobs, long=long, small=asked.small_team
        )
    report(rows_of(RESULTS, ours))


def measure(
    photos: Path, work: Path, key: dict[str, Any], jobs: int, *, long: bool, small: bool
) -> None:
    """Measure one seed, and keep each part of it when it is known."""
    row = next(iter(rows_of(RESULTS, key)), dict(key))
    arch, seed = key["arch"], key["seed"]
    splits = load_splits(str(photos), seed=seed).splits
    parts = work / f"parts-{seed}.npz"
    np.savez(
        parts, x_train=splits.train.images, y_train=splits.train.labels,
        x_new=splits.test.images, y_new=splits.test.labels,
    )  # fmt: skip
    if "plain" not in row:
        row["round_0_seconds"] = round(round_0(splits, key), 1)
        row["plain"] = plain_loop(parts, arch, seed, row["round_0_seconds"])
        _keep(row)
    if "plain_sgd" not in row and has_norms(arch):
        row["plain_sgd"] = plain_loop(parts, arch, seed, row["round_0_seconds"], "sgd")
        _keep(row)
    contenders = row.get("contenders", {})
    if not contenders or (small and "small_team" not in contenders):
        out = work / "-".join("usual" if value is None else str(value) for value in key.values())
        seconds, contenders = build(photos, out, key, jobs, small=small)
        row = {"build_seconds": round(seconds, 1)} | row | {"contenders": contenders}
        _keep(row)
    if long and "plain_long" not in row and "build_seconds" in row:
        row["plain_long"] = plain_loop(parts, arch, seed, row["build_seconds"])
        _keep(row)


def round_0(splits: Splits, key: dict[str, Any]) -> float:
    """Return the processor seconds of one member's unpruned network."""
    begun = time.process_time()
    recipe = Recipe(max_epochs=key["epochs"], optimizer=key["optimizer"])
    runs = Runs.of(key["arch"], seed=key["seed"])
    next(dropnet(runs, splits, DropNet(rounds=0, recipe=recipe)))
    return time.process_time() - begun


def has_norms(arch: str) -> bool:
    """Whether a network has batch norms, in the plain loop's own writing of it."""
    return any(isinstance(module, nn.BatchNorm2d) for module in made(arch, 2, 0).modules())


def plain_loop(
    parts: Path, arch: str, seed: int, seconds: float, by: str = "adamw"
) -> dict[str, Any]:
    """Return what the plain loop prints that has so many processor seconds."""
    command = [HERE / "plain_loop.py", parts, arch, seed, f"{seconds}s", by]
    done = subprocess.run(
        [sys.executable, *map(str, command)], check=True, capture_output=True, text=True
    )
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def build(
    photos: Path, out: Path, key: dict[str, Any], jobs: int, *, small: bool
) -> tuple[float, dict[str, dict[str, float]]]:
    """Build and compare; return the build's processor seconds, and the contenders."""
    words: tuple[object, ...] = (
        "build", "--data", photos, "--arch", key["arch"], "--m", key["m"], "--s", TEAM,
        "--seed", key["seed"], "--metric", key["metric"], "--target-flops", 1 / key["m"],
        "--out", out, "--jobs", jobs,
    )  # fmt: skip
    for name in ("epochs", "optimizer"):
        words += (f"--{name}", key[name]) if key[name] else ()
    before = _children()
    _ensemble(*words)
    seconds = _children() - before
    _ensemble(*words, "--control", *["--small-team"] * small)
    _ensemble("compare", out)
    with (out / "comparison.csv").open(encoding="utf-8") as file:
        found = {row["contender"]: row for row in csv.DictReader(file)}
    columns = ("members", "accuracy", "flops", "bytes", "epochs_seen")
    return seconds, {
        name: {column: float(found[name][column]) for column in columns}
        for name in ROWS
        if name in found
    }


def report(rows: list[dict[str, Any]]) -> None:
    """Print means over the seeds, and differences to the plain loop at its first budget."""
    rows = [row for row in rows if "contenders" in row]
    if not rows:
        return
    arch, seeds = rows[0]["arch"], [row["seed"] for row in rows]
    plain = np.array([row["plain"]["accuracy"] for row in rows])
    print(f"\n{arch}, seeds {seeds}: accuracy on 6,000 new photos")
    _line("plain loop, one member's round 0", plain, plain)
    if all("plain_sgd" in row for row in rows):
        found = [row["plain_sgd"]["accuracy"] for row in rows]
        _line("plain loop by SGD, one member's round 0", found, plain)
    long = [row for row in rows if "plain_long" in row]
    if long:
        first = np.array([row["plain"]["accuracy"] for row in long])
        found = [row["plain_long"]["accuracy"] for row in long]
        _line(f"plain loop, the whole build ({len(long)} seeds)", found, first)
    for name in ROWS:
        if any(name not in row["contenders"] for row in rows):
            continue
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


def _keep(row: dict[str, Any]) -> None:
    """Write a row in place of the one that it goes on from."""
    print(json.dumps(row), flush=True)
    rows = [r for r in rows_of(RESULTS) if _key(r) != _key(row)] + [row]
    rows.sort(key=_key)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text("".join(json.dumps(r) + "\n" for r in rows), encoding="utf-8")


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return (
        row["arch"],
        row["m"],
        row["metric"],
        row["epochs"] or 0,
        row["optimizer"] or "",
        row["seed"],
    )


if __name__ == "__main__":
    main()
