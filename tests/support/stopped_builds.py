"""Builds that are stopped at the end of an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from pipelines.build.round_times import RoundClock
from pipelines.run.resources import Placement
from pruning.dropnet import DropNet
from pruning.dropnet.settings import Rewinding
from pruning.training.recipe import Recipe

EACH_EPOCH = Placement(jobs=1, checkpoint_every=0)


def tiny_dropnet(rewinding: Rewinding | None = None, rounds: int = 1, **recipe: Any) -> DropNet:
    given: dict[str, Any] = {"max_epochs": 4, "batch_size": 16} | recipe
    return DropNet(
        rounds=rounds, kappa=0.0, rewinding=rewinding or Rewinding(), recipe=Recipe(**given)
    )


def stopping_at(monkeypatch: pytest.MonkeyPatch, at: int | None) -> list[int]:
    """Stop builds at the end of their n-th epoch; return a list that gets one for each."""
    trained = RoundClock.epoch
    seen: list[int] = []

    def epoch(self: RoundClock, runs: Sequence[int]) -> int:
        seen.append(len(runs))
        if len(seen) == at:
            raise KeyboardInterrupt
        return trained(self, runs)

    monkeypatch.setattr(RoundClock, "epoch", epoch)
    return seen
