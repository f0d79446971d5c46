"""What the machine's matrix units do at most, and what training makes of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from pruning.inference.cost import count_cost
from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling
from pruning.training.device_data import DeviceData
from pruning.training.engines.engine import ENGINES
from pruning.training.network_kind import network_kind
from pruning.training.recipe import Recipe

SHAPE, BATCH = (3, 32, 32), 128


def product(dtype: torch.dtype, device: str = "cpu") -> float:
    """Return the FLOPs a second of one large matrix product."""
    side = 1024 if device == "cpu" else 8192
    a = torch.randn(side, side, device=device).to(dtype)
    out = torch.empty_like(a)
    return 2 * side**3 / _least(lambda: torch.mm(a, a, out=out), 20, device)


def training(arch: str, *, bf16: bool, device: str = "cpu") -> dict[str, float]:
    """Return images and FLOPs a second of training steps at batch 128, full width."""
    network = build_network(arch, 10, SHAPE, 0).to(device)
    images = torch.randint(0, 256, (BATCH, *SHAPE), dtype=torch.uint8, device=device)
    labels = torch.arange(BATCH, device=device) % 10
    data = DeviceData(images, labels, images, labels, Scaling(), 10)
    recipe = Recipe(batch_size=BATCH, max_epochs=1, augment="none").resolved(
        kind=network_kind(network), shape=SHAPE, samples=BATCH
    )
    loop = ENGINES["loop-bf16" if bf16 else "loop"]([network], data, recipe)
    order = torch.arange(BATCH, device=device).unsqueeze(0)
    seconds = _least(lambda: loop.epoch(order, [1e-4]), 5, device)
    return {"images": BATCH / seconds, "flops": BATCH * training_flops(arch, SHAPE) / seconds}


def training_flops(arch: str, shape: tuple[int, ...]) -> float:
    """Return the FLOPs of training on one image: forward once, backward twice.

    The gradient of the input itself, which nobody takes, is left out.
    """
    network = build_network(arch, 10, shape, 0)
    flops = 3 * count_cost(network, shape).flops
    layers = (torch.nn.Conv2d, torch.nn.Linear)
    first = next(m for m in network.modules() if isinstance(m, layers))
    places = 1
    if isinstance(first, torch.nn.Conv2d):
        places = (shape[1] // first.stride[0]) * (shape[2] // first.stride[1])
    return flops - 2 * first.weight.numel() * places


def _least(work: Callable[[], object], times: int, device: str) -> float:
    found = []
    for _ in range(times + 2):
        started = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - started)
    return min(found[2:])
