"""Teams of pruned networks with random weights: files and runtimes must keep those too."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from ensemble.combination import Combination
from ensemble.description import Provenance
from ensemble.member import EnsembleMember
from ensemble.model import Ensemble
from pruning.networks.architecture import build_network
from pruning.samples.scaling import Scaling
from pruning.surgery import find_groups, full_masks, shrink

MakeEnsemble = Callable[..., Ensemble]


def pruned_network(arch: str, classes: int, shape: tuple[int, ...], seed: int) -> nn.Module:
    """Return a network with about 40 % of its units and with biases that matter."""
    network = build_network(arch, classes, shape, seed)
    groups = find_groups(network, shape)
    rng = torch.Generator().manual_seed(seed)
    masks = {
        name: torch.rand(len(m), generator=rng) < 0.4 for name, m in full_masks(groups).items()
    }
    for mask in masks.values():
        mask[0] = True
    small = shrink(network, groups, masks)
    with torch.no_grad():
        for name, value in small.named_parameters():
            if name.endswith("bias"):
                value.normal_(0, 0.1, generator=rng)
            elif name.startswith("output"):
                value.mul_(4)
    return small


def make(
    archs: Sequence[str] = ("mlp-a:12-8", "conv-b:6-6", "mlp-a:9"),
    classes: Sequence[int] | Sequence[str] = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    shape: tuple[int, ...] = (1, 8, 8),
    **options: object,
) -> Ensemble:
    """Return a mixed team; `options` go to `Ensemble` and its `Combination`."""
    networks = [pruned_network(a, len(classes), shape, i) for i, a in enumerate(archs)]
    members = [
        EnsembleMember.of(network, shape, f"{i:02d}-r3", arch)
        for i, (arch, network) in enumerate(zip(archs, networks, strict=True))
    ]
    how = {key: options.pop(key) for key in ("voting", "weights", "temperature", "cascade")
           if key in options}  # fmt: skip
    options.setdefault("provenance", Provenance("synthetic", "abc123", "hq", 20, 0.5))
    return Ensemble(members, np.array(classes), shape, combination=Combination(**how), **options)  # type: ignore[arg-type]


def make_images(shape: tuple[int, ...] = (1, 8, 8), count: int = 64, seed: int = 0) -> np.ndarray:
    """Return (N, C, H, W) uint8 noise."""
    return np.random.default_rng(seed).integers(0, 256, (count, *shape), dtype=np.uint8)


@pytest.fixture(scope="session")
def make_ensemble() -> MakeEnsemble:
    return make


@pytest.fixture
def images() -> Callable[..., np.ndarray]:
    return make_images


@pytest.fixture(scope="session")
def team() -> Ensemble:
    return make()


@pytest.fixture(scope="session")
def rows_team() -> Ensemble:
    scaling = Scaling((1.0, -2.0, 0.0, 5.0), (2.0, 0.5, 1.0, 3.0))
    return make(("mlp-a:30", "mlp-a:20-20"), ("no", "yes"), (4,), scaling=scaling)


@pytest.fixture
def saved(team: Ensemble, tmp_path: Path) -> Path:

    team.save(tmp_path / "team")
    return tmp_path / "team"
