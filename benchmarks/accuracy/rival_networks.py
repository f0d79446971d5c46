"""Networks that one could have in place of a team of conv-c4; nothing of ours is imported.

Packed and batched layers are torch-uncertainty's, which wants an environment of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

LAYERS = ("conv1", "conv2", "conv3", "conv4", "fc", "output")
WIDTHS, DENSE = (64, 64, 128, 128), 256
HALF, HALF_DENSE = (32, 32, 64, 64), 128


class Voting(nn.Module):
    """A network whose outputs are several members' answers, voting by their mean shares."""

    def __init__(self, body: nn.Module, members: int, copies: int = 1, stacked: int = 1) -> None:
        super().__init__()
        self.body, self.members = body, members
        self._copies, self._stacked = copies, stacked

    def answers(self, inputs: Tensor) -> Tensor:
        """Return (M, B, C) logits of (B, …) inputs, or of (B, M × 3, H, W) stacked ones."""
        found: Tensor = self.body(inputs.repeat(self._copies, 1, 1, 1))
        if self._stacked > 1:
            return found.unflatten(1, (self.members, -1)).transpose(0, 1)
        return found.unflatten(0, (self.members, -1))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (B, C) logarithms of the members' mean shares."""
        asked = inputs.repeat(1, self._stacked, 1, 1)
        return self.answers(asked).softmax(-1).mean(0).log()


class Apart(nn.Module):
    """Members that share nothing, their answers one after another."""

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    def forward(self, inputs: Tensor) -> Tensor:
        """Return (M × B, C) logits."""
        return torch.cat([member(inputs) for member in self.members])


def convolutions(
    conv: Callable[..., nn.Module],
    dense: Callable[..., nn.Module],
    classes: int,
    widths: Sequence[int] = WIDTHS,
    hidden: int = DENSE,
) -> nn.Sequential:
    """Return conv-c4 of such layers; the first and the last are told that they are."""
    layers: list[nn.Module] = []
    before = 3
    for index, width in enumerate(widths):
        layers += [conv(before, width, index == 0), nn.ReLU(), nn.MaxPool2d(2)]
        before = width
    layers += [nn.Flatten(), dense(before * 4, hidden, False), nn.ReLU()]
    return nn.Sequential(*layers, dense(hidden, classes, True))


def plain(classes: int, widths: Sequence[int] = WIDTHS, hidden: int = DENSE) -> nn.Module:
    """Return conv-c4, of such widths."""
    return drawn(convolutions(
        lambda a, b, _: nn.Conv2d(a, b, 3, padding=1), lambda a, b, _: nn.Linear(a, b),
        classes, widths, hidden,
    ))  # fmt: skip


def packed(classes: int) -> nn.Module:
    """Return a Packed-Ensemble of four."""
    from torch_uncertainty.layers import PackedConv2d, PackedLinear

    def conv(a: int, b: int, first: bool) -> nn.Module:
        return PackedConv2d(a, b, 3, alpha=2, num_estimators=4, padding=1, first=first)  # type: ignore[no-any-return]

    def dense(a: int, b: int, last: bool) -> nn.Module:
        return PackedLinear(a, b, alpha=2, num_estimators=4, last=last)  # type: ignore[no-any-return]

    return Voting(convolutions(conv, dense, classes), 4)


def batched(classes: int) -> nn.Module:
    """Return a BatchEnsemble of four at half of the widths, which take four passes."""
    from torch_uncertainty.layers import BatchConv2d, BatchLinear

    body = convolutions(
        lambda a, b, _: BatchConv2d(a, b, 3, num_estimators=4, padding=1),
        lambda a, b, _: BatchLinear(a, b, num_estimators=4), classes, HALF, HALF_DENSE,
    )  # fmt: skip
    return Voting(body, 4, copies=4)


def apart(classes: int) -> nn.Module:
    """Return four networks at half of the widths."""
    return Voting(Apart([plain(classes, HALF, HALF_DENSE) for _ in range(4)]), 4)


def mimo(classes: int) -> nn.Module:
    """Return three members in one network: three images in, three answers out."""

    def conv(a: int, b: int, first: bool) -> nn.Module:
        return nn.Conv2d(3 * a if first else a, b, 3, padding=1)

    def dense(a: int, b: int, last: bool) -> nn.Module:
        return nn.Linear(a, 3 * b if last else b)

    return Voting(drawn(convolutions(conv, dense, classes)), 3, stacked=3)


def drawn(network: nn.Module) -> nn.Module:
    """Draw weights as the plain conv-c4 does."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return network


def stored(file: Path) -> nn.Module:
    """Return the conv-c4 of a run's round, whole or pruned, as it was trained."""
    found = load_file(file)
    *widths, hidden, classes = (len(found[f"weights/{name}.bias"]) for name in LAYERS)
    network = plain(classes, widths, hidden)
    layers = [one for one in network.modules() if isinstance(one, nn.Conv2d | nn.Linear)]
    for name, layer in zip(LAYERS, layers, strict=True):
        layer.weight.data.copy_(found[f"weights/{name}.weight"])
        assert layer.bias is not None
        layer.bias.data.copy_(found[f"weights/{name}.bias"])
    return network.eval().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
