"""Latency of five pruned members against one and five unpruned networks, random weights.

The pruned keep 33 % of their filters, what 0.8⁵ leaves, or 9 %; one thread.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from ensemble.member import EnsembleMember
from ensemble.model import Ensemble
from ensemble.onnx.runtime import load_onnx
from pruning.core.seeds import torch_generator
from pruning.dropnet.masks import drop_lowest
from pruning.networks.architecture import build_network
from pruning.surgery import find_groups, full_masks, shrink

SHAPE, CLASSES, TURNS = (3, 32, 32), 10, 5
TEAMS = {"1 unpruned": (1, 0), "5 unpruned": (5, 0), "5 at 33 %": (5, 5), "5 at 9 %": (5, 11)}
"""Members, and how often a fifth of the filters was dropped."""


def latencies(arch: str) -> dict[str, dict[str, dict[str, float]]]:
    """Return runtime → batch size → contender → seconds, the least of some turns."""
    torch.set_num_threads(1)
    found: dict[str, dict[str, dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        predictors = {"torch": {}, "ONNX Runtime": {}}  # type: ignore[var-annotated]
        for name, (size, prunings) in TEAMS.items():
            team = _team(arch, size, prunings)
            file = Path(folder) / f"{name}.onnx"
            team.export(file)
            predictors["torch"][name] = team.predict_proba
            predictors["ONNX Runtime"][name] = load_onnx(file, threads=1).predict_proba
        for batch in (1, 128):
            images = np.random.default_rng(0).integers(0, 256, (batch, *SHAPE), dtype=np.uint8)
            for runtime, teams in predictors.items():
                seconds = {name: float("inf") for name in teams}
                for _ in range(TURNS):
                    for name, predict in teams.items():
                        predict(images)
                        started = time.perf_counter()
                        predict(images)
                        seconds[name] = min(seconds[name], time.perf_counter() - started)
                found.setdefault(runtime, {})[str(batch)] = seconds
    return found


def _team(arch: str, size: int, prunings: int) -> Ensemble:
    members = []
    for seed in range(size):
        network = build_network(arch, CLASSES, SHAPE, seed)
        groups = find_groups(network, SHAPE)
        masks = full_masks(groups)
        generator = torch_generator(seed, "scores")
        for _ in range(prunings):
            drawn = {g.name: torch.rand(g.size, generator=generator) for g in groups}
            masks = drop_lowest(drawn, masks, 0.2, per_layer=True, generator=generator)
        small = shrink(network, groups, masks).eval()
        members.append(EnsembleMember.of(small, SHAPE, f"{seed:02d}", arch))
    return Ensemble(members, np.arange(CLASSES), SHAPE)
