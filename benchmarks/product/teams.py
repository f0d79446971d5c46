"""Teams with random weights for measurements of time, memory and size, not of accuracy."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np
import torch
from torch import nn

from ensemble.member import EnsembleMember
from ensemble.model import Ensemble
from pruning.networks.architecture import build_network
from pruning.surgery import find_groups, full_masks, shrink


def pruned(network: nn.Module, shape: tuple[int, ...], keep: float, seed: int) -> nn.Module:
    """Return a copy with a random share `keep` of its units."""
    groups = find_groups(network, shape)
    rng = torch.Generator().manual_seed(seed)
    masks = full_masks(groups)
    for name, mask in masks.items():
        order = torch.randperm(len(mask), generator=rng)
        masks[name] = torch.zeros_like(mask)
        masks[name][order[: max(1, round(keep * len(mask)))]] = True
    return shrink(network, groups, masks)


def random_team(
    archs: Sequence[str], classes: int, shape: tuple[int, ...], keep: float, seed: int = 0
) -> Ensemble:
    """Return a team of one network an architecture, each pruned to `keep`."""
    members = []
    for i, arch in enumerate(archs):
        network = build_network(arch, classes, shape, seed + i)
        if keep < 1:
            network = pruned(network, shape, keep, seed + i)
        with torch.no_grad():  # as sure as a trained network, not near uniform
            network.get_parameter("output.weight").mul_(8)
        members.append(EnsembleMember.of(network.eval(), shape, f"{i:02d}-r5", arch))
    return Ensemble(members, np.arange(classes), shape)


def heading(title: str, command: str) -> str:
    """Return the first lines of a result: what it is, its command, the machine and its load."""
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "onnxruntime", "numpy"))
    load = os.getloadavg()[0]
    return (
        f"# {title}\n\n`{command}`\n\n{os.cpu_count()} cores, {platform.machine()}; Python "
        f"{platform.python_version()}, {versions}; load {load:.1f} when it began.\n"
    )


def noise(count: int, shape: tuple[int, ...], seed: int = 0) -> np.ndarray:
    """Return (N, C, H, W) uint8 noise."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)
