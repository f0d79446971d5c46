"""CIFAR-10 on a card: whole networks by the default recipe, and how far teams of them go down.

    python benchmarks/accuracy/card.py CIFAR WORK [--jobs conv-c,vgg16-bn] [--seeds 100]
        [--seconds 600]

CIFAR is CIFAR-10 as ``ensemble build --data`` takes it (an ``.npz`` is read fastest). Each job of
`card_jobs.py`, in the order in which its figures are wanted, is one build of at most twelve minutes
on one card: M whole networks, pruned round by round (``fpgm_layer``, going on from trained weights)
until five cost what one whole network does, and for some controls. Of it come

- what each round's networks reach by themselves, the whole ones' included,
- the chosen five against all whole networks, and with less and less to spend, chosen from all
  rounds: the smallest share at which the paired interval stays above −0.5 points,
- the team whose FLOPs and bytes are each at most one whole network's,

all of them on test images that nothing else has read. A line per job and seed stands in
results/benchmarks/card.jsonl; what stands there is not measured again, so that another card goes
on. A build that was stopped goes on where WORK is still there. To try it out:
``--device cpu --limit 400 --epochs 1``.
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from card_jobs import JOBS, TEAM, Job
from card_text import told
from json_lines import FOLDER, keep, rows_of

from pipelines.build import build
from pipelines.build.built import Built
from pipelines.build.predicting import predicted
from pipelines.build.story import choose
from pipelines.compare.of_build import compare
from pipelines.compare.paired_tests import PairedTest
from pipelines.compare.results import Result
from pipelines.run.records import RoundRecord
from pipelines.run.store import Memory
from pruning.inference.cost import Cost

RESULTS = FOLDER / "card.jsonl"


def main() -> None:
    """Measure what is not there yet, as far as the time goes, then report."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    parser.add_argument("cifar")
    parser.add_argument("work", type=Path, help="builds go here")
    parser.add_argument("--jobs", default=",".join(JOBS), help=f"of {', '.join(JOBS)}")
    parser.add_argument("--seeds", default="100")
    parser.add_argument("--seconds", type=float, default=600, help="begin nothing later than this")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--limit", type=int, help="training images, to try it out")
    parser.add_argument("--epochs", type=int, help="in place of the job's, to try it out")
    parser.add_argument("--out", type=Path, default=RESULTS)
    asked = parser.parse_args()
    names = asked.jobs.split(",")
    if unknown := set(names) - set(JOBS):
        parser.error(f"--jobs {','.join(unknown)}: there are {', '.join(JOBS)}")
    begun = time.perf_counter()
    for seed in map(int, asked.seeds.split(",")):
        for name in names:
            key = {"job": name, "seed": seed, "epochs": asked.epochs, "limit": asked.limit}
            if rows_of(asked.out, key):
                continue
            if time.perf_counter() - begun > asked.seconds:
                print(f"{name}, seed {seed}: left out, no time", flush=True)
                continue
            row = key | measure(JOBS[name], asked, seed)
            keep(asked.out, row)
            print("\n".join(told(row)), flush=True)
    for row in rows_of(asked.out):
        print("\n".join(("", *told(row))))


def measure(job: Job, asked: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Build, and return what one reads of it."""
    begun = time.perf_counter()
    epochs = asked.epochs or job.epochs
    config = job.config(
        data=asked.cifar, seed=seed, epochs=epochs, limit=asked.limit, device=asked.device
    )
    out = asked.work / "-".join(map(str, (job.arch, job.m, job.optimizer or "usual", seed)))
    built = build(config, out=out, control=job.control, small_team=job.control, tell=_told_now)
    found: dict[str, Any] = {
        "arch": job.arch, "m": job.m, "build_seconds": round(time.perf_counter() - begun, 1),
        "rounds": list(alone(built)),
    }  # fmt: skip
    if job.cost is not None:
        comparison = compare(built)
        found["contenders"] = [_row(result) for result in comparison.results]
        found["curve"] = list(curve(built))
        found["price_of_one"] = at_the_price_of_one(built)
    return found | {"device": asked.device, "seconds": round(time.perf_counter() - begun, 1)}


def alone(built: Built) -> Iterator[dict[str, Any]]:
    """Yield what each round's networks reach on the test images by themselves."""
    pool = predicted(built.store, built.records, "test", built.splits, built.device)
    for number in sorted({record.round for record in built.records}):
        members = [record for record in built.records if record.round == number]
        accuracies = pool.rows(tuple(member.id for member in members)).accuracies
        cost = Cost.total(member.cost for member in members)
        share = cost.share_of(Cost.total(_whole(built, member).cost for member in members))
        yield {
            "round": number,
            "networks": len(members),
            "accuracy": float(np.mean(accuracies)),
            "deviation": float(np.std(accuracies, ddof=1)) if len(members) > 1 else None,
            "flops": share.flops,
            "bytes": share.bytes,
            "epochs_seen": float(np.mean([member.epochs_seen or 0 for member in members])),
        }


def curve(built: Built) -> Iterator[dict[str, Any]]:
    """Yield the team chosen from all rounds, with less and less to spend.

    Shares are of the FLOPs of all whole networks: from five whole ones down to five of the last
    round, each two thirds of the one before.
    """
    everyone = sum(history.rounds[0].cost.flops for history in built.histories)
    least = sum(sorted(member.cost.flops for member in built.handed_on)[:TEAM])
    share = TEAM / built.config.m
    while share * everyone > least:
        yield _chosen(built, max_flops=share * everyone)
        share /= 1.5
    yield _chosen(built, max_flops=float(least))


def at_the_price_of_one(built: Built) -> dict[str, Any]:
    """Return the team whose FLOPs and bytes are each at most one whole network's."""
    whole = built.histories[0].rounds[0].cost
    return _chosen(built, max_flops=float(whole.flops), max_bytes=float(whole.bytes))


def _chosen(built: Built, **limits: float) -> dict[str, Any]:
    """Choose again from all rounds, within limits, and compare."""
    config = built.config
    selection = config.selection.changed_by({"pool": "rounds", **limits})
    resolved = dataclasses.replace(
        built.store.resolved, config=dataclasses.replace(config, selection=selection)
    )
    store = Memory(resolved)
    for split in ("select", "test"):
        if kept := built.store.predictions(split):
            store.keep_predictions(kept)
    again = choose(store, built.splits, built.histories, built.device)
    return _row(compare(again).selected) | {"rounds": [member.round for member in again.team]}


def _row(result: Result) -> dict[str, Any]:
    tests = {test.reference: _test(test) for test in result.against}
    return {
        "contender": result.contender, "members": result.members,
        "accuracy": result.accuracy.value, "flops": result.cost.flops, "bytes": result.cost.bytes,
        "flops_ratio": result.ratios.flops, "bytes_ratio": result.ratios.bytes,
        "epochs_seen": result.epochs_seen, "against": tests,
    }  # fmt: skip


def _test(test: PairedTest) -> list[float]:
    gap = test.difference
    return [gap.value, gap.low, gap.high]


def _whole(built: Built, member: RoundRecord) -> RoundRecord:
    return built.histories[member.run].rounds[0]


def _told_now(line: str) -> None:
    print(f"  {line}", flush=True)


if __name__ == "__main__":
    main()
