"""Speed and memory of training steps on a card, on noise: each engine, against the textbook."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Sequence

import torch
from gpu_bench import (
    BATCH,
    EPOCHS,
    IMAGES,
    MEMBERS,
    SHAPE,
    Bench,
    Line,
    plain,
    seconds_of,
    speed_line,
    worth_as_for,
)
from throughput import product
from torch import Tensor
from torch.nn import functional as F  # noqa: N812

from pruning.networks.architecture import build_network
from pruning.training.engines.choosing import choose_engine
from pruning.training.engines.engine import ENGINES
from pruning.training.recipe import Recipe
from pruning.training.training_loop import Training, train

TABLE = {
    "mlp-a": ((1, 28, 28), MEMBERS), "conv-b": (SHAPE, MEMBERS), "conv-c": (SHAPE, MEMBERS),
    "resnet20": (SHAPE, MEMBERS), "resnet56": (SHAPE, MEMBERS), "resnet18-bn": (SHAPE, 10),
    "vgg16-bn": (SHAPE, MEMBERS),
}  # fmt: skip
"""Network → shape of a sample, members."""


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

    speed = 2048 / seconds_of(bench, steps, 1 if bench.small else 3)
    return speed_line(bench, arch, shape, "textbook", speed)


def engine_steps(
    arch: str, shape: tuple[int, ...], engine: str, members: int, bench: Bench
) -> Line:
    """Time an engine's epoch; ``auto`` is the engine of a build of 20 members and 30 epochs."""
    networks = [build_network(arch, 10, shape, seed).to(bench.device) for seed in range(members)]
    whole = MEMBERS * EPOCHS * 40_000
    chosen = choose_engine(engine, networks[0], bench.device.type, whole)
    count = 256 if bench.small else IMAGES
    data = bench.images(count, shape)
    recipe = plain(Recipe(batch_size=BATCH, max_epochs=EPOCHS), networks[0], shape, count)
    started = time.perf_counter()
    with worth_as_for(40_000 / count):
        running = ENGINES[chosen](networks, data, recipe)
    orders = torch.stack([torch.randperm(count) for _ in networks]).to(bench.device)
    rates = [1e-4] * -(-count // BATCH)
    running.epoch(orders, rates)
    bench.wait()
    prepared = time.perf_counter() - started
    seconds = seconds_of(bench, lambda: running.epoch(orders, rates), 1 if bench.small else 3)
    speed = members * count / seconds
    line = speed_line(bench, arch, shape, chosen, speed)
    return line | {"asked": engine, "members": members, "prepared_s": round(prepared, 1)}


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


def same_alone(bench: Bench) -> Line:
    """Compare each member after 20 steps of float32 with the same member trained alone."""
    data, count = bench.images(BATCH * 20), 4
    networks = [build_network("conv-c:24-24-32-32-64", 10, SHAPE, seed) for seed in range(count)]
    recipe = Recipe(
        optimizer="sgd", momentum=0.9, weight_decay=0.0, batch_size=BATCH, max_epochs=1,
        schedule="constant",
    )  # fmt: skip
    recipe = plain(recipe, networks[0], SHAPE, BATCH * 20)
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
