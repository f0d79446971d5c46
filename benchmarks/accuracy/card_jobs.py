"""What a card is asked for, each job one build of at most twelve minutes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pipelines.run.config import BuildConfig

TEAM = 5


@dataclass(frozen=True)
class Job:
    """One build, and what is read from it.

    Attributes
    ----------
    arch, m
        The network, and how many of it.
    cost
        FLOPs of a member where pruning ends, as a share of a whole network's; None prunes nothing.
    fraction
        Share of the units that a round drops.
    epochs
        Of a whole network's training; None takes the default.
    optimizer
        None takes the default.
    control
        Whether one whole network as costly as the team is trained, too, and as many small ones.
    """

    arch: str
    m: int
    cost: float | None = None
    fraction: float = 0.2
    epochs: int | None = None
    optimizer: str | None = None
    control: bool = False

    def config(self, **options: Any) -> BuildConfig:
        """Return what its build is asked for."""
        pruning: dict[str, Any] = {"rounds": 0}
        if self.cost is not None:
            pruning = {
                "metric": "fpgm_layer",
                "fraction": self.fraction,
                "target_flops": self.cost * TEAM / self.m,
            }
        size = min(TEAM, self.m)
        return BuildConfig.of(
            m=self.m, s=size, arch=self.arch, optimizer=self.optimizer, **pruning, **options
        )


JOBS = {
    "conv-c": Job("conv-c", 20, cost=0.2, fraction=0.35, control=True),
    "vgg16-bn": Job("vgg16-bn", 20, cost=0.2, fraction=0.35, epochs=20),
    "resnet20": Job("resnet20", 10, cost=0.2),
    "resnet56": Job("resnet56", 6, cost=0.2),
    "resnet18-bn": Job("resnet18-bn", 3),
    "vgg16-bn-alone": Job("vgg16-bn", 3),
    "conv-c-alone": Job("conv-c", 1),
    "resnet20-alone": Job("resnet20", 1),
    "resnet20-alone-adamw": Job("resnet20", 1, optimizer="adamw"),
}
