"""What is measured on a card: each part a few functions from a bench to a line.

Speeds are in training images a second, all members together; a share is of the FLOPs a second
of the card's largest product in bfloat16.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import functools
import json
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import task as tasks
import torch
from throughput import product, training_flops
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.data.load import load_splits
from pruning.data.splits import Splits
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.dropnet.member import Member
from pruning.dropnet.settings import Rewinding
from pruning.inference.stackable import stackable
from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling
from pruning.training.device_data import DeviceData
from pruning.training.engines import compiled
from pruning.training.engines.choosing import choose_engine
from pruning.training.engines.engine import ENGINES
from pruning.training.recipe import RECIPES, Recipe
from pruning.training.training_loop import Training, train

BATCH, EPOCHS, MEMBERS = 128, 30, 20
IMAGES, SHAPE = 5120, (3, 32, 32)
Line = dict[str, Any]


@dataclass
class Bench:
    """The card, the data, and what has been measured of both.

    Attributes
    ----------
    device
        A card; a processor tries the parts out.
    cifar, mnist
        CIFAR-10; the folder that holds MNIST.
    product
        FLOPs a second of the largest product.
    """

    device: torch.device
    cifar: Splits
    mnist: Path
    product: float = float("nan")
    known: Line = field(default_factory=dict)

    @property
    def small(self) -> bool:
        """Whether the parts are only tried out."""
        return self.device.type == "cpu"

    def wait(self) -> None:
        """Wait until the card has done all it was told."""
        if self.device.type == "cuda":
            torch.cuda.synchronize()

    def images(self, count: int, shape: tuple[int, ...] = SHAPE) -> DeviceData:
        """Return noise to train on."""
        x = torch.randint(0, 256, (count, *shape), dtype=torch.uint8, device=self.device)
        y = torch.randint(0, 10, (count,), device=self.device)
        half = (127.5,) * shape[0]
        return DeviceData(x, y, x[:500], y[:500], Scaling(half, half), 10)


def peak(bench: Bench) -> Line:
    """Measure the card's largest product."""
    bench.product = product(torch.bfloat16, bench.device.type)
    return {"tflops": round(bench.product / 1e12, 1)}


def textbook_step(arch: str, shape: tuple[int, ...], bench: Bench) -> Line:
    """Time one network, step by step, as PyTorch does it by default."""
    network = build_network(arch, 10, shape, 0).to(bench.device).train()
    x = torch.rand(2048, *shape, device=bench.device)
    y = torch.randint(0, 10, (2048,), device=bench.device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)

    def steps() -> None:
        for index in torch.randperm(2048, device=bench.device).split(BATCH):
            loss = F.cross_entropy(network(x[index]), y[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    speed = 2048 / _seconds(bench, steps, 1 if bench.small else 3)
    return _speed(bench, arch, shape, "textbook", speed)


def engine_steps(
    arch: str, shape: tuple[int, ...], engine: str, members: int, bench: Bench
) -> Line:
    """Time an engine's epoch; ``auto`` is the engine of a build of 20 members and 30 epochs."""
    networks = [build_network(arch, 10, shape, seed).to(bench.device) for seed in range(members)]
    whole = MEMBERS * EPOCHS * 40_000
    chosen = choose_engine(engine, networks[0], bench.device.type, whole)
    count = 256 if bench.small else IMAGES
    data = bench.images(count, shape)
    recipe = _plain(Recipe(batch_size=BATCH, max_epochs=EPOCHS), networks[0], shape, count)
    started = time.perf_counter()
    with _worth_as_for(40_000 / count):
        running = ENGINES[chosen](networks, data, recipe)
    orders = torch.stack([torch.randperm(count) for _ in networks]).to(bench.device)
    rates = [1e-4] * -(-count // BATCH)
    running.epoch(orders, rates)
    bench.wait()
    prepared = time.perf_counter() - started
    seconds = _seconds(bench, lambda: running.epoch(orders, rates), 1 if bench.small else 3)
    speed = members * count / seconds
    line = _speed(bench, arch, shape, chosen, speed)
    return line | {"asked": engine, "members": members, "prepared_s": round(prepared, 1)}


def textbook_epochs(bench: Bench) -> Line:
    """Time two epochs of one conv-c by the textbook: its cost is the same in every round."""
    task = dataclasses.replace(tasks.TASKS["conv-c"], limit=None, rounds=0, epochs=2)
    # The textbook is judged on the processor, which is no part of an epoch either.
    splits = dataclasses.replace(bench.cifar, test=_few(bench, 100).test)
    # The first use of a card is no part of an epoch.
    tasks.by_the_book(
        dataclasses.replace(task, epochs=1), _few(bench, 256), 0, 1, str(bench.device)
    )
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
        Runs.of(arch, members), bench.cifar, _paper(rounds, epochs=3),
        device=bench.device, engine=engine, on_epoch=on_epoch,
    )  # fmt: skip
    with _worth_as_for(EPOCHS / 3):
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


def same_alone(bench: Bench) -> Line:
    """Compare each member after 20 steps of float32 with the same member trained alone."""
    data, count = bench.images(BATCH * 20), 4
    networks = [build_network("conv-c:24-24-32-32-64", 10, SHAPE, seed) for seed in range(count)]
    recipe = Recipe(
        optimizer="sgd", momentum=0.9, weight_decay=0.0, batch_size=BATCH, max_epochs=1,
        schedule="constant",
    )  # fmt: skip
    recipe = _plain(recipe, networks[0], SHAPE, BATCH * 20)
    orders = torch.stack([torch.randperm(BATCH * 20) for _ in networks]).to(bench.device)

    def trained(rows: Sequence[int]) -> list[dict[str, Tensor]]:
        chosen = [copy.deepcopy(networks[row]).to(bench.device) for row in rows]
        running = ENGINES["streams-float32"](chosen, data, recipe)
        running.epoch(orders[list(rows)], [1e-2] * 20)
        return [running.weights(i) for i in range(len(rows))]

    def off(ours: dict[str, Tensor], others: dict[str, Tensor]) -> float:
        return max(float((ours[key] - others[key]).abs().max()) for key in ours)

    together, alone = trained(range(count)), [trained([row])[0] for row in range(count)]
    return {"largest_difference": [*map(off, together, alone)],
            "of_the_same_again": off(alone[0], trained([0])[0])}  # fmt: skip


def accuracies(engine: str, bench: Bench) -> Line:
    """Train 20 conv-c for some rounds; return each round's mean validation accuracy."""
    members, rounds = (2, 1) if bench.small else (MEMBERS, 3)
    arch = "conv-c:6-7-8-9-10" if bench.small else "conv-c"
    chosen = "loop" if bench.small else engine
    began = time.perf_counter()
    with _worth_as_for(EPOCHS * 40_000 / (3 * 6250)):
        trained = [*dropnet(
            Runs.of(arch, members), _few(bench, 6250), _paper(rounds, epochs=3),
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


def memory(members: int, bench: Bench) -> Line:
    """Note the most memory that conv-c's training holds."""
    if bench.small:
        return {"members": members}
    torch.cuda.reset_peak_memory_stats()
    line = engine_steps("conv-c", SHAPE, "streams", members, bench)
    held = torch.cuda.max_memory_reserved() / 2**30
    return {"members": members, "gib": round(held, 2), "images_s": line["images_s"]}


def too_little_memory(bench: Bench) -> Line:
    """Train 20 conv-c where fewer fit: the population is halved until it does."""
    if bench.small:
        return {}
    data = bench.images(IMAGES)
    networks = [build_network("conv-c", 10, SHAPE, seed).to(bench.device) for seed in range(20)]
    recipe = Recipe(batch_size=BATCH, max_epochs=1, augment="none")
    torch.cuda.set_per_process_memory_fraction(2.5 / 80)
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            results = train(
                networks, [torch.Generator().manual_seed(s) for s in range(20)],
                Training(data, recipe, "streams"),
            )  # fmt: skip
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    lines = [str(w.message).splitlines()[0] for w in said if w.category is UserWarning]
    return {"ended": len(results), "said": lines}


def resumes(bench: Bench) -> Line:
    """Go on ten times from rounds of a build, and compare with the build that went on itself."""
    splits = _few(bench, 1000 if bench.small else 3000)
    settings = _paper(10, epochs=1)
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


@contextlib.contextmanager
def _worth_as_for(times: float) -> Iterator[None]:
    """Let the rule of what is worth compiling count so many times the images there are."""
    worth = compiled.WORTH_FROM
    compiled.WORTH_FROM = worth / times
    try:
        yield
    finally:
        compiled.WORTH_FROM = worth


def _paper(rounds: int, epochs: int) -> DropNet:
    recipe = dataclasses.replace(
        RECIPES["first"], batch_size=BATCH, max_epochs=epochs, patience=epochs, keep="last"
    )
    return DropNet(
        metric="minimum_layer", fraction=0.2, kappa=0.0, keep=0.0, rounds=rounds,
        rewinding=Rewinding("initial", rescale=False), recipe=recipe,
    )  # fmt: skip


def _few(bench: Bench, samples: int) -> Splits:
    parts = {}
    for name in ("train", "val", "select", "test"):
        whole = getattr(bench.cifar, name)
        kept = slice(max(10, min(len(whole), samples)))
        parts[name] = dataclasses.replace(
            whole, images=whole.images[kept], labels=whole.labels[kept]
        )
    return dataclasses.replace(bench.cifar, **parts)


def _same(a: Member, b: Member) -> bool:
    ours, others = a.network.state_dict(), b.network.state_dict()
    return all(torch.equal(value, others[key]) for key, value in ours.items())


def _plain(recipe: Recipe, network: nn.Module, shape: tuple[int, ...], samples: int) -> Recipe:
    recipe = dataclasses.replace(recipe, augment="none")
    return recipe.resolved(plain_mlp=stackable(network), shape=shape, samples=samples)


def _speed(bench: Bench, arch: str, shape: tuple[int, ...], by: str, speed: float) -> Line:
    share = speed * training_flops(arch, shape) / bench.product
    return {"arch": arch, "by": by, "images_s": round(speed), "share": round(share, 4)}


def _seconds(bench: Bench, work: Callable[[], object], times: int) -> float:
    """Return the median time of some work, after it has been done once."""
    found = []
    for _ in range(times + 1):
        bench.wait()
        started = time.perf_counter()
        work()
        bench.wait()
        found.append(time.perf_counter() - started)
    return statistics.median(found[1:])


TABLE = {
    "mlp-a": ((1, 28, 28), MEMBERS), "conv-b": (SHAPE, MEMBERS), "conv-c": (SHAPE, MEMBERS),
    "resnet20": (SHAPE, MEMBERS), "resnet56": (SHAPE, MEMBERS), "resnet18-bn": (SHAPE, 10),
    "vgg16-bn": (SHAPE, MEMBERS),
}  # fmt: skip
"""Network → shape of a sample, members."""


PARTS: dict[str, list[Callable[[Bench], Line]]] = {
    "peak": [peak],
    "conv-c": [textbook_epochs, all_rounds],
    "widths": [
        functools.partial(engine_steps, f"conv-c:{widths}-256", SHAPE, "auto", MEMBERS)
        for widths in ("48-48-88-88", "48-48-96-96", "40-40-72-72", "48-48-80-80")
    ],
    "table": [
        measure
        for arch, (shape, members) in TABLE.items()
        for measure in (
            functools.partial(textbook_step, arch, shape),
            functools.partial(engine_steps, arch, shape, "loop", 2),
            functools.partial(engine_steps, arch, shape, "auto", members),
        )
    ],
    "builds": [functools.partial(whole_build, data) for data in ("digits", "mnist")],
    "alone": [same_alone],
    "resumes": [resumes],
    "memory": [
        *(functools.partial(memory, members) for members in (5, 10, 20, 40)), too_little_memory
    ],
    "accuracy": [functools.partial(accuracies, engine) for engine in ("loop", "compiled")],
}  # fmt: skip
