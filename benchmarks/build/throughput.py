"""What the machine's matrix units do at most, and what training makes of them."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

from pruning.inference.cost import count_cost
from pruning.inference.stackable import stackable
from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling
from pruning.training.device_data import DeviceData
from pruning.training.engines.loop import Loop
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
    data = DeviceData(images, labels, images, labels, Scaling())
    recipe = Recipe(batch_size=BATCH, max_epochs=1).resolved(
        plain_mlp=stackable(network), shape=SHAPE, samples=BATCH
    )
    loop = Loop([network], data, recipe, bf16=bf16)
    order = torch.arange(BATCH, device=device).unsqueeze(0)
    seconds = _least(lambda: loop.epoch(order, [1e-4]), 5, device)
    # Forward once, backward twice; the gradient of the input itself is left out.
    first = next(m for m in network.modules() if isinstance(m, torch.nn.Conv2d))
    side = SHAPE[1] // first.stride[0]
    flops = 3 * count_cost(network.cpu(), SHAPE).flops - 2 * first.weight.numel() * side**2
    return {"images": BATCH / seconds, "flops": BATCH * flops / seconds}


def _least(work: Callable[[], object], times: int, device: str) -> float:
    found = []
    for _ in range(times + 2):
        started = time.perf_counter()
        work()
        if device == "cuda":
            torch.cuda.synchronize()
        found.append(time.perf_counter() - started)
    return min(found[2:])
