"""What grows with members, tasks and samples: the figures of docs/scale.md.

    nice -n 10 python benchmarks/reliability/scale.py [tasks]

A small build is weighed; so many stand-in tasks go to a Dask cluster on loopback, once undisturbed
and once with workers that are killed at random; a pool of 1,000 members is chosen from, whole and
narrowed from a file. Needs `distributed`. Its page: results/reliability.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT / "benchmarks" / "product")]

import numpy as np  # noqa: E402
from loopback import loopback  # noqa: E402
from teams import heading  # noqa: E402

from pipelines.build.clusters import dask_cluster  # noqa: E402
from pipelines.build.clusters.task import RoundResult  # noqa: E402
from pipelines.build.round_times import RoundTimes  # noqa: E402
from selection import select  # noqa: E402

PAGE = ROOT / "results" / "reliability" / "scale.md"
MEMBERS, CLASSES, KEPT = 1000, 10, 50
BUILD = ("build", "--m", "8", "--s", "2", "--jobs", "1", "--out", "run")


@dataclass(frozen=True)
class StandIn:
    """A task that takes its time and computes nothing."""

    name: str
    seconds: float


def stand_in(task: StandIn, _: Any) -> RoundResult:
    """Take as long as the task says."""
    time.sleep(task.seconds)
    return RoundResult(task.name, (), RoundTimes({}, 0, 0, 0, "none"), (), str(os.getpid()), "")


def weighed() -> list[str]:
    """Build a few networks; return what each takes on disk and in time."""
    subprocess.run([sys.executable, "-m", "pipelines.commands.cli", *BUILD], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    members = sorted(Path("run", "members").iterdir())
    sizes = [sum(file.stat().st_size for file in one.iterdir()) for one in members]
    rounds = [len(list(one.glob("round-*"))) for one in members]
    with np.load("run/predictions/select.npz") as found:
        wide = max((found[name].shape for name in found.files), key=len)
    lines = map(json.loads, Path("run", "build.log").read_text().splitlines())
    took = [line["seconds"] for line in lines if line["what"] == "round"]
    return [
        f"| a member on disk: {np.mean(rounds):.0f} rounds of the default network on the digits | "
        f"{np.mean(sizes) / 1e3:.0f} kB |",
        f"| its predictions: 4 bytes × samples × classes, here {wide[1]} × {wide[2]} | "
        f"{4 * wide[1] * wide[2] / 1e3:.0f} kB |",
        f"| a round of a group of {len(members)}: median of {len(took)} | "
        f"{np.median(took):.2f} s |",
    ]


def ran(tasks: int, seconds: float, kill_every: float) -> tuple[float, int, bool]:
    """Give stand-ins to three workers; return seconds, kills, and whether each came once."""
    rng = random.Random(1)
    dask_cluster.train_round = stand_in  # type: ignore[assignment]
    kills, over = 0, threading.Event()
    folder = Path(f"cluster-{kill_every}")
    with loopback("distributed", folder, 3) as cluster:
        connection = dask_cluster.connected(cluster.address, None, "cpu", print)  # type: ignore[arg-type]
        with connection as client:
            while client._count_workers() < 3:
                time.sleep(0.1)

            def disturb() -> None:
                nonlocal kills
                while kill_every and not over.wait(rng.uniform(0.5, 1.5) * kill_every):
                    cluster.kill(cluster.workers.pop(rng.randrange(len(cluster.workers))))
                    cluster.workers.append(cluster.add())
                    kills += 1

            disturbing = threading.Thread(target=disturb)
            began = time.monotonic()
            disturbing.start()
            names = [f"stand-in-{number}" for number in range(tasks)]
            for name in names:
                client.submit(StandIn(name, seconds))  # type: ignore[arg-type]
            came = Counter(client.next_result().name for _ in names)
            took = time.monotonic() - began
            over.set()
            disturbing.join()
    return took, kills, came == Counter(names)


def placed(tasks: int) -> list[str]:
    """Return what a scheduler costs, and what became of tasks whose workers died."""
    empty, _, whole = ran(tasks, 0, 0)
    took, kills, all_came = ran(tasks, 0.1, 5)
    return [
        f"| {tasks:,} tasks that do nothing, 3 workers | {empty:.1f} s: {1000 * empty / tasks:.1f} "
        f"ms a task, {'each came once' if whole else 'NOT EACH ONCE'} |",
        f"| {tasks:,} tasks of 0.1 s, 3 workers, a random one killed about every 5 s and another "
        f"started | {took:.0f} s ({tasks / 30:.0f} s of work for each), {kills} killed, "
        f"{'each came once' if all_came else 'NOT EACH ONCE'} |",
    ]


def point(method: str, samples: int) -> None:
    """Choose 5 of 1,000 in this process; print seconds and the most bytes beyond the pool's."""
    p, y = pool(MEMBERS, samples, None)
    before = most_bytes()
    began = time.monotonic()
    if method == "narrowed":
        best = narrowed(p, y, KEPT)
        select(np.stack([p[row] for row in best]), y, size=5)
    else:
        select(p, y, size=5, method=method)
    print(json.dumps([time.monotonic() - began, most_bytes() - before, p.nbytes]))


def pool(members: int, samples: int, file: Path | None) -> tuple[Any, Any]:
    """Return a pool of members that are right seven times of ten, mapped where there is a file."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, CLASSES, samples)
    shape = (members, samples, CLASSES)
    p = (np.empty(shape, np.float32) if file is None else
         np.lib.format.open_memmap(file, "w+", np.float32, shape))  # fmt: skip
    for row in range(members):
        p[row] = rng.random((samples, CLASSES), np.float32)
        p[row, np.arange(samples), y] += 0.6 + 0.4 * rng.random()
        p[row] /= p[row].sum(-1, keepdims=True)
    return p, y


def narrowed(p: Any, y: Any, keep: int) -> Any:
    """Return the most accurate members, read from a file one after another."""
    right = [int((one.argmax(-1) == y).sum()) for one in p]
    return np.argsort(right)[::-1][:keep]


def most_bytes() -> int:
    """Return the most that this process held."""
    import resource

    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def chosen() -> list[str]:
    """Return what a choice from 1,000 members takes."""
    rows = []
    for method, samples in (("top", 2000), ("soft", 500), ("soft", 2000), ("narrowed", 2000)):
        words = [sys.executable, __file__, "--point", method, str(samples)]
        done = subprocess.run(words, check=True, capture_output=True, text=True)
        seconds, more, size = json.loads(done.stdout)
        rows.append(
            f"| {method}, {samples:,} samples: predictions of {size / 1e6:.0f} MB | {seconds:.1f} "
            f"s, {more / 1e6:.0f} MB beyond them ({more / size:.1f} times) |"
        )
    samples, members = 10_000_000, 2
    p, y = pool(members, samples, Path("mapped.npy"))
    began = time.monotonic()
    narrowed(p, y, 1)
    one = (time.monotonic() - began) / members
    rows.append(
        f"| narrowing, 10 million samples: a member's {p[0].nbytes / 1e6:.0f} MB from a mapped file"
        f" | {one:.1f} s a member, {one * MEMBERS / 60:.0f} minutes for 1,000 |"
    )
    return rows


def main(tasks: int) -> None:
    """Write all figures."""
    command = f"nice -n 10 python benchmarks/reliability/scale.py {tasks}"
    with tempfile.TemporaryDirectory() as scratch:
        os.chdir(scratch)
        begun = heading("Far beyond one machine", command)
        lines = [begun, "\n| what | figure |\n|---|---|"]
        for part in (weighed, chosen, lambda: placed(tasks)):
            found = part()
            lines += found
            print("\n".join(found), flush=True)
        os.chdir("/")
    PAGE.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    os.environ["OMP_NUM_THREADS"] = "1"
    if sys.argv[1:2] == ["--point"]:
        point(sys.argv[2], int(sys.argv[3]))
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
