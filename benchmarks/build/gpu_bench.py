"""The card, the data, and what the parts of the benchmark on a card share."""

from __future__ import annotations

import contextlib
import dataclasses
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from throughput import training_flops
from torch import nn

from pruning.data.splits import Splits
from pruning.dropnet import DropNet
from pruning.dropnet.settings import Rewinding
from pruning.samples.scaling import Scaling
from pruning.training.device_data import DeviceData
from pruning.training.engines import compiled
from pruning.training.network_kind import network_kind
from pruning.training.recipe import RECIPES, Recipe

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


@contextlib.contextmanager
def worth_as_for(times: float) -> Iterator[None]:
    """Let the rule of what is worth compiling count so many times the images there are."""
    worth = compiled.WORTH_FROM
    compiled.WORTH_FROM = worth / times
    try:
        yield
    finally:
        compiled.WORTH_FROM = worth


def paper(rounds: int, epochs: int) -> DropNet:
    recipe = dataclasses.replace(
        RECIPES["first"], batch_size=BATCH, max_epochs=epochs, patience=epochs, keep="last"
    )
    return DropNet(
        metric="minimum_layer", fraction=0.2, kappa=0.0, keep=0.0, rounds=rounds,
        rewinding=Rewinding("initial", rescale=False), recipe=recipe,
    )  # fmt: skip


def few(bench: Bench, samples: int) -> Splits:
    parts = {}
    for name in ("train", "val", "select", "test"):
        whole = getattr(bench.cifar, name)
        kept = slice(max(10, min(len(whole), samples)))
        parts[name] = dataclasses.replace(
            whole, images=whole.images[kept], labels=whole.labels[kept]
        )
    return dataclasses.replace(bench.cifar, **parts)


def plain(recipe: Recipe, network: nn.Module, shape: tuple[int, ...], samples: int) -> Recipe:
    recipe = dataclasses.replace(recipe, augment="none")
    return recipe.resolved(kind=network_kind(network), shape=shape, samples=samples)


def speed_line(bench: Bench, arch: str, shape: tuple[int, ...], by: str, speed: float) -> Line:
    share = speed * training_flops(arch, shape) / bench.product
    return {"arch": arch, "by": by, "images_s": round(speed), "share": round(share, 4)}


def seconds_of(bench: Bench, work: Callable[[], object], times: int) -> float:
    """Return the median time of some work, after it has been done once."""
    found = []
    for _ in range(times + 1):
        bench.wait()
        started = time.perf_counter()
        work()
        bench.wait()
        found.append(time.perf_counter() - started)
    return statistics.median(found[1:])
