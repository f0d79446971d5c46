"""Kills workers, schedulers and commands of builds on real clusters of this machine; tallies them.

    python benchmarks/reliability/cluster.py kills 10 distributed   # or: ray
    python benchmarks/reliability/cluster.py times distributed

A kill falls at a random moment of a build; a killed worker is followed by a new one, after any
other kill the same command is given again. Each trial is a line of
``results/reliability/cluster.jsonl``; later calls go on with the next seed, and every call writes
``results/reliability/cluster.md`` from all lines.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support")]

from loopback import Loopback, loopback, start  # noqa: E402
from pipeline_support import write_images  # noqa: E402
from run_contents import logged_rounds, run_files  # noqa: E402

RESULTS = ROOT / "results" / "reliability"
LINES = RESULTS / "cluster.jsonl"
NAMES = {"distributed": "Dask", "ray": "Ray"}
BUILD = (
    "build", "--data", "tiny.npz", "--m", "6", "--s", "2", "--arch", "mlp-a:8-6", "--arch",
    "conv-b:3-4", "--epochs", "20", "--batch-size", "16", "--rounds", "3", "--kappa", "0",
)  # fmt: skip
"""Four groups, sixteen rounds."""
ROUNDS = 16
LONG = (*BUILD, "--epochs", "200")


def begin(words: tuple[str, ...], folder: Path) -> subprocess.Popen[str]:
    """Start a build into a folder, from where this process is."""
    return start((*words, "--out", str(folder)), Path.cwd())


def killed(cluster: Loopback, wanted: dict[str, bytes], rng: random.Random) -> dict[str, Any]:
    """Kill one part once a random number of rounds is done and some time has passed."""
    what = rng.choice(["worker", "worker", "scheduler", "command"])
    after, more = rng.randrange(ROUNDS - 3), rng.uniform(0, 0.5)
    folder = Path("tried")
    shutil.rmtree(folder, ignore_errors=True)
    words = (*BUILD, cluster.option, cluster.address)
    began = time.monotonic()
    command = begin(words, folder)
    while len(logged_rounds(folder)) < after and command.poll() is None:
        time.sleep(0.02)
    time.sleep(more)
    done = len(logged_rounds(folder))
    first = None
    if what == "worker":
        cluster.kill(cluster.workers.pop(rng.randrange(len(cluster.workers))))
        cluster.workers.append(cluster.add())
    elif what == "scheduler":
        cluster.kill(cluster.head)
    else:
        os.killpg(command.pid, signal.SIGKILL)
    said = command.communicate(timeout=300)[1]
    code = first = command.returncode
    if what == "scheduler":  # also where the command had ended before it noticed
        cluster.stop()
        cluster.begin(len(cluster.workers))
        words = (*BUILD, cluster.option, cluster.address)
    if what != "worker" and first != 0:
        again = begin(words, folder)
        more_said = again.communicate(timeout=300)[1]
        code = again.returncode
        said = said if code == 0 else more_said
    ours = [line for line in said.splitlines() if line.startswith("ensemble: ")]
    counted = Counter((tuple(line["group"]), line["round"]) for line in logged_rounds(folder))
    return {
        "killed": what, "rounds_done": done, "first_code": first, "code": code,
        "same": run_files(folder) == wanted, "most_often": max(counted.values()),
        "line": ours[-1][-200:] if ours else "", "traceback": "Traceback" in said,
        "seconds": round(time.monotonic() - began, 1),
    }  # fmt: skip


def kills(count: int, package: str) -> None:
    """Try so many."""
    before = [line for line in lines() if line["cluster"] == NAMES[package] and "killed" in line]
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        write_images(Path("tiny.npz"))
        _, said = (here := begin((*BUILD, "--jobs", "1"), Path("here"))).communicate()
        if here.returncode:
            raise RuntimeError(said)
        wanted = run_files(Path("here"))
        with loopback(package, Path(scratch), 3) as cluster:
            for seed in range(len(before), len(before) + count):
                rng = random.Random(f"{package} {seed}")
                note({"cluster": NAMES[package], "seed": seed} | killed(cluster, wanted, rng))
        os.chdir("/")


def times(package: str) -> None:
    """Measure a build with one worker and with two, and here."""
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        write_images(Path("tiny.npz"))
        found: dict[str, float] = {"here, 1 job": timed((*LONG, "--jobs", "1"))}
        for workers in (1, 2):
            with loopback(package, Path(scratch), workers) as cluster:
                words = (cluster.option, cluster.address)
                timed((*BUILD, *words))  # workers load torch
                many = f"{workers} worker{'s' * (workers > 1)}"
                found[many] = timed((*LONG, *words))
        os.chdir("/")
    note({"cluster": NAMES[package], "load": round(os.getloadavg()[0], 1), "seconds": found})


def timed(words: tuple[str, ...]) -> float:
    """Return the seconds from the beginning of a build to its last round."""
    shutil.rmtree("timed", ignore_errors=True)
    command = begin(words, Path("timed"))
    said = command.communicate()[1]
    if command.returncode:
        raise RuntimeError(said)
    log = [json.loads(line) for line in (Path("timed") / "build.log").read_text().splitlines()]
    ended = next(line for line in log if line["what"] == "ended")
    return float(ended["seconds"])


def lines() -> list[dict[str, Any]]:
    """Return the trials so far."""
    return [json.loads(line) for line in LINES.read_text().splitlines()] if LINES.exists() else []


def note(found: dict[str, Any]) -> None:
    """Keep a trial, and write the page from all."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    with LINES.open("a") as file:
        file.write(json.dumps(found) + "\n")
    (RESULTS / "cluster.md").write_text(report(lines()), encoding="utf-8")


def report(found: list[dict[str, Any]]) -> str:
    """Return all tallies as Markdown."""
    tried = [one for one in found if "killed" in one]
    good = [one for one in tried if _good(one)]
    rows = "\n".join(
        f"| {name} | {what} | {len(own)} | {sum(map(_good, own))} |"
        for name, what in sorted({(one["cluster"], one["killed"]) for one in tried})
        if (own := [o for o in tried if (o["cluster"], o["killed"]) == (name, what)])
    )
    took = "\n".join(
        f"| {one['cluster']} | {one['load']} | "
        + " | ".join(f"{seconds:.1f} s" for seconds in one["seconds"].values())
        + " |"
        for one in found
        if "load" in one
    )
    return f"""# Builds on clusters

A scheduler and three workers on the loopback interface of a machine of two cores; six networks in
four groups, sixteen rounds.

`python benchmarks/reliability/cluster.py kills 10 distributed` (`ray`) tries ten more kills. A
worker that is killed is followed by a new one; a killed scheduler is started again with its
workers, and the same command given again; so it is after a killed command. As it must be: exit
code 0 in the end, the bytes of a build on this machine, no round of a group kept twice, no
traceback, and one line where the scheduler went, or had gone before it was reached (a command that
has all it needs of a head ends without it).

**{len(good)} of {len(tried)} kills** are as they must be.

| cluster | killed | kills | as they must be |
|---|---|--:|--:|
{rows}
{_times(took)}"""


def _times(rows: str) -> str:
    return (
        rows
        and f"""
Seconds of a build of ten times as many epochs (`times distributed`, `times ray`), the command's
own included, on two cores beside other work; they say what a cluster costs, not what it gains:

| cluster | load when it ended | here, 1 job | 1 worker | 2 workers |
|---|--:|--:|--:|--:|
{rows}
"""
    )


def _good(one: dict[str, Any]) -> bool:
    words = ("is gone", "no Dask scheduler answers there", "no Ray cluster takes us there")
    told = any(said in one["line"] for said in words)
    told |= one["killed"] != "scheduler" or one["first_code"] == 0
    whole = one["code"] == 0 and one["same"] and one["most_often"] == 1
    return whole and told and not one["traceback"]


if __name__ == "__main__":
    if sys.argv[1] == "kills":
        kills(int(sys.argv[2]), sys.argv[3])
    elif sys.argv[1] == "times":
        times(sys.argv[2])
    else:  # write the page again
        (RESULTS / "cluster.md").write_text(report(lines()), encoding="utf-8")
