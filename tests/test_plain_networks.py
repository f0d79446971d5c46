"""The networks of the outside yardstick are ours, written anew."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
import torch

from pruning.inference.cost import count_cost
from pruning.networks.architecture import build_network

FILE = Path(__file__).resolve().parents[1] / "benchmarks" / "accuracy" / "plain_networks.py"


def _plain() -> ModuleType:
    spec = importlib.util.spec_from_file_location("plain_networks", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("arch", ["conv-c4", "resnet20"])
def test_the_same_weights_give_the_same_outputs(arch: str) -> None:
    ours = build_network(arch, 6, (3, 32, 32), 0)
    theirs = _plain().NETWORKS[arch](6)
    values = [value.clone() for value in ours.state_dict().values()]
    names = list(theirs.state_dict())
    assert [value.shape for value in theirs.state_dict().values()] == [v.shape for v in values]
    theirs.load_state_dict(dict(zip(names, values, strict=True)))
    x = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    for mode in (True, False):
        torch.testing.assert_close(ours.train(mode)(x), theirs.train(mode)(x))
    costs = [count_cost(network, (3, 32, 32)) for network in (ours, theirs)]
    assert (costs[0].flops, costs[0].bytes) == (costs[1].flops, costs[1].bytes)


@pytest.mark.parametrize("arch", ["conv-c4", "resnet20"])
def test_weights_are_drawn_from_the_same_distributions(arch: str) -> None:
    ours, theirs = build_network(arch, 6, (3, 32, 32), 0), _plain().made(arch, 6, 1)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        if a.ndim > 1 and a.numel() > 2000:
            assert a.std().item() == pytest.approx(b.std().item(), rel=0.1)


def test_nothing_of_the_project_is_imported() -> None:
    for name in ("plain_networks.py", "plain_loop.py"):
        text = (FILE.parent / name).read_text(encoding="utf-8")
        assert not any(f"{word} {room}" in text for word in ("import", "from")
                       for room in ("pruning", "ensemble", "selection", "pipelines"))  # fmt: skip
