"""Our groups are those of Torch-Pruning's dependency graph, where it follows a network too."""

from __future__ import annotations

import pytest
import torch
import torch_pruning
from torch import nn

from pruning.networks.architecture import build_network
from pruning.surgery import find_groups


class _Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.relu = nn.ReLU()
        self.second = nn.Conv2d(6, 6, 3, padding=1)
        self.pool = nn.AdaptiveAvgPool2d(2)
        self.output = nn.Linear(24, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        a = self.relu(self.norm(self.first(x)))
        return self.output(self.pool(a + self.second(a)).flatten(1))  # type: ignore[no-any-return]


def _theirs(network: nn.Module, producer: str, unit: int) -> set[tuple[str, str, int]]:
    """Return the channels that Torch-Pruning removes with one output channel of a layer."""
    graph = torch_pruning.DependencyGraph().build_dependency(
        network, example_inputs=torch.zeros(1, 3, 8, 8), verbose=False
    )
    names = {module: name for name, module in network.named_modules()}
    layer = network.get_submodule(producer)
    group = graph.get_pruning_group(
        layer, graph.get_pruner_of_module(layer).prune_out_channels, [unit]
    )
    found = set()
    for dependency, indices in group:
        module = dependency.target.module
        if isinstance(module, nn.Conv2d | nn.Linear):
            side = "in" if dependency.handler.__name__.endswith("in_channels") else "out"
            found |= {(names[module], side, int(index)) for index in indices}
    return found


@pytest.mark.parametrize("arch", ["mlp-a:5-4", "conv-b:4-3", "conv-c:4-3-5-2-6", "residual"])
def test_the_groups_are_torch_prunings(arch: str) -> None:
    if arch == "residual":
        network: nn.Module = _Residual().eval()
    else:
        network = build_network(arch, 4, (3, 8, 8), 0).eval()
    for group in find_groups(network, (3, 8, 8)):
        for unit in range(group.size):
            ours = {
                (part.module, part.side, int(channel))
                for part in group.slices
                if part.side in ("in", "out")
                for channel in (part.owner == unit).nonzero().flatten()
            }
            assert ours == _theirs(network, group.producers[0], unit)
