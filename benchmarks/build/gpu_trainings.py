"""Whole trainings on a card: rounds counted up, accuracies, resumes, builds."""

from __future__ import annotations

import dataclasses
import functools
import json
import statistics
import time

import task as tasks
import torch
from gpu_bench import (
    EPOCHS,
    MEMBERS,
    SHAPE,
    Bench,
    Line,
    few,
    paper,
    worth_as_for,
)

from pruning.data.load import load_splits
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.dropnet.member import Member
from pruning.networks.architecture import build_network
from pruning.training.engines.choosing import choose_engine


def textbook_epochs(bench: Bench) -> Line:
    """Time two epochs of one conv-c by the textbook: its cost is the same in every round."""
    task = dataclasses.replace(tasks.TASKS["conv-c"], limit=None, rounds=0, epochs=2)
    # The textbook is judged on the processor, which is no part of an epoch either.
    splits = dataclasses.replace(bench.cifar, test=few(bench, 100).test)
    # The first use of a card is no part of an epoch.
    tasks.by_the_book(dataclasses.replace(task, epochs=1), few(bench, 256), 0, 1, str(bench.device))
    outcome = tasks.by_the_book(task, splits, 0, 1, str(bench.device))
    bench.known["textbook_s"] = outcome.seconds / 2 * EPOCHS * MEMBERS * (tasks.ROUNDS + 1)
    images = 2 * len(splits.train) / outcome.seconds
    return {
        "arch": "conv-c",
        "images_s": round(images),
        "counted_s": round(bench.known["textbook_s"]),
    }


def all_rounds(bench: Bench) -> Line:
    """Time three epochs of every round of 20 conv-c; epochs are counted up to 30, all else once."""
    members = 2 if bench.small else MEMBERS
    rounds = 2 if bench.small else tasks.ROUNDS
    arch = "conv-c:6-7-8-9-10" if bench.small else "conv-c"
    network = build_network(arch, 10, SHAPE, 0).to(bench.device)
    engine = choose_engine("auto", network, bench.device.type, MEMBERS * EPOCHS * 40_000)
    ends: list[tuple[int, float]] = []

    def on_epoch(round_index: int, epoch: int, runs: list[int]) -> None:
        ends.append((round_index, time.perf_counter()))

    began = time.perf_counter()
    found: list[Line] = []
    trained = dropnet(
        Runs.of(arch, members), bench.cifar, paper(rounds, epochs=3),
        device=bench.device, engine=engine, on_epoch=on_epoch,
    )  # fmt: skip
    with worth_as_for(EPOCHS / 3):
        for standing in trained:
            ended = time.perf_counter()
            stamps = [at for round_index, at in ends if round_index == standing[0].round]
            epoch = (stamps[2] - stamps[0]) / 2
            found.append({
                "units": [int(mask.sum()) for mask in standing[0].masks.values()],
                "epoch_s": round(epoch, 3), "rest_s": round(ended - began - 3 * epoch, 2),
                "images_s": round(members * len(bench.cifar.train) / epoch),
            })  # fmt: skip
            print(json.dumps({"round": standing[0].round, **found[-1]}), flush=True)
            began = time.perf_counter()
    ours = sum(EPOCHS * line["epoch_s"] + line["rest_s"] for line in found)
    line: Line = {"engine": engine, "members": members, "counted_s": round(ours), "rounds": found}
    if "textbook_s" in bench.known:
        line["times_the_textbook"] = round(bench.known["textbook_s"] / ours, 2)
    return line


def accuracies(engine: str, bench: Bench) -> Line:
    """Train 20 conv-c for some rounds; return each round's mean validation accuracy."""
    members, rounds = (2, 1) if bench.small else (MEMBERS, 3)
    arch = "conv-c:6-7-8-9-10" if bench.small else "conv-c"
    chosen = "loop" if bench.small else engine
    began = time.perf_counter()
    with worth_as_for(EPOCHS * 40_000 / (3 * 6250)):
        trained = [*dropnet(
            Runs.of(arch, members), few(bench, 6250), paper(rounds, epochs=3),
            device=bench.device, engine=chosen,
        )]  # fmt: skip
    means = [
        {
            "mean": round(statistics.mean(m.val_accuracy for m in standing), 4),
            "half_95": round(2.09 * statistics.stdev(m.val_accuracy for m in standing)
                             / len(standing) ** 0.5, 4),
        }
        for standing in trained
    ]  # fmt: skip
    return {"engine": chosen, "members": members, "rounds": means,
            "seconds": round(time.perf_counter() - began, 1)}  # fmt: skip


def resumes(bench: Bench) -> Line:
    """Go on ten times from rounds of a build, and compare with the build that went on itself."""
    splits = few(bench, 1000 if bench.small else 3000)
    settings = paper(10, epochs=1)
    run = functools.partial(
        dropnet, Runs.of("conv-b:40-40", 4), splits, settings, device=bench.device, engine="auto"
    )
    whole = [*run()]
    same, off = 0, []
    for k in range(len(whole) - 1):
        again = next(iter(run(start=whole[k])))
        same += all(map(_same, again, whole[k + 1]))
        off.append(statistics.mean(m.val_accuracy for m in again)
                   - statistics.mean(m.val_accuracy for m in whole[k + 1]))  # fmt: skip
    return {
        "resumes": len(off),
        "same_bytes": same,
        "mean_accuracy_off": [round(x, 4) for x in off],
    }


def whole_build(data: str, bench: Bench) -> Line:
    """Time the training of a whole default build of 20 mlp-a."""
    splits = load_splits(data, data_dir=bench.mnist, limit=500 if bench.small else None).splits
    settings = DropNet(rounds=1) if bench.small else DropNet()
    epochs, began = 0, time.perf_counter()

    def count(round_index: int, epoch: int, runs: list[int]) -> None:
        nonlocal epochs
        epochs += 1

    rounds = [*dropnet(Runs.of("mlp-a", MEMBERS), splits, settings, device=bench.device,
                       on_epoch=count)]  # fmt: skip
    return {"data": data, "arch": "mlp-a", "members": MEMBERS, "rounds": len(rounds),
            "epochs": epochs, "seconds": round(time.perf_counter() - began, 2)}  # fmt: skip


def _same(a: Member, b: Member) -> bool:
    ours, others = a.network.state_dict(), b.network.state_dict()
    return all(torch.equal(value, others[key]) for key, value in ours.items())
