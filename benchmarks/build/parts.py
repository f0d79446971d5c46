"""What is measured, part by part."""

from __future__ import annotations

import torch
from inference import latencies
from measure import Store
from throughput import product, training

MEMBERS = (5, 10, 20, 40)
CONV_MEMBERS = 4
"""Members that convolutions are timed on; what M take is that times M / 4."""


def mlp(store: Store) -> None:
    """All 20 on both sides; torchensemble's unpruned training beside one round of ours."""
    for seed in range(20):
        store.get(f"textbook {seed}", "textbook", "mlp-a", "--data", store.data,
                  "--seed", seed, "--threads", 1)  # fmt: skip
    store.get("program stacked", "program", "mlp-a", "--data", store.data, "--members", 20)
    store.get("program unpruned", "program", "mlp-a", "--data", store.data,
              "--members", 20, "--rounds", 0)  # fmt: skip
    store.get("torchensemble", "torchensemble", "mlp-a", "--data", store.data, "--members", 20)


def conv(store: Store) -> None:
    """The same members on both sides.

    The textbook's rounds cost the same: of one member all are timed, of the others round 0.
    What comes after the timing (`whole`, one thread) is for the accuracies and may share the
    machine.
    """

    def textbook(name: str, seed: int, *more: object) -> None:
        store.get(
            f"{name} {seed}", "textbook", "conv-c", "--data", store.data, "--seed", seed, *more
        )

    def ours(engine: str) -> None:
        store.get(f"program {engine}", "program", "conv-c", "--data", store.data,
                  "--members", CONV_MEMBERS, "--engine", engine)  # fmt: skip

    textbook("timed", 0, "--threads", 2)
    for seed in range(1, CONV_MEMBERS):
        textbook("timed", seed, "--threads", 2, "--rounds", 0)
    ours("loop-bf16")
    ours("loop")
    for seed in range(CONV_MEMBERS):
        textbook("whole", seed, "--threads", 1)


def members(store: Store) -> None:
    """Time and memory against M."""
    for count in MEMBERS:
        store.get(f"mlp-a {count}", "program", "mlp-a", "--data", store.data,
                  "--members", count, "--epochs", 1, "--rounds", 3)  # fmt: skip


def samples(store: Store) -> None:
    """Time against the number of training samples."""
    for limit in (7500, 15000, 30000, 60000):
        store.get(f"mlp-a {limit}", "program", "mlp-a", "--data", store.data,
                  "--members", 20, "--epochs", 1, "--rounds", 3, "--limit", limit)  # fmt: skip


def memory(store: Store) -> None:
    """Peak memory against M on CIFAR-10, all of it held, an epoch each.

    Two convolutional networks train at a time, whatever M: a few stand for all.
    """
    convolutional = (("conv-c", 2), ("conv-c", 5))
    for arch, count in (*(("mlp-a", count) for count in MEMBERS), *convolutional):
        store.get(f"{arch} {count}", "memory", arch, "--data", store.data, "--members", count)


def inference(store: Store) -> None:
    """Latency of the team against unpruned networks."""
    for arch in ("conv-c", "conv-b"):
        if arch not in store.known:
            store.put(arch, latencies(arch))


def peak(store: Store) -> None:
    """Matrix product and training throughput on one core, of one process."""
    torch.set_num_threads(1)
    for dtype in (torch.float32, torch.bfloat16):
        name = f"product {dtype}".replace("torch.", "")
        if name not in store.known:
            store.put(name, product(dtype))
    for arch in ("conv-c", "conv-c4", "conv-b", "vgg16", "resnet18"):
        if arch not in store.known:
            store.put(arch, {str(bf16): training(arch, bf16=bf16) for bf16 in (False, True)})
