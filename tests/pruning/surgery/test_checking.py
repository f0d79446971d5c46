from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.surgery.checking import Coupled, check


def test_what_can_go_and_what_it_saves() -> None:
    report = check("mlp-a:8-4", (5,), num_classes=3)
    assert report.groups == (
        Coupled("fc1", 8, ("fc1",), ("fc2",)),
        Coupled("fc2", 4, ("fc2",), ("output",)),
    )
    assert report.refusals == ()
    full, least = 5 * 8 + 8 * 4 + 4 * 3, 5 * 1 + 1 * 1 + 1 * 3
    assert (report.cost.flops, report.smallest.flops) == (2 * full, 2 * least)
    assert report.removable_flops == pytest.approx(1 - least / full)
    assert report.removable_params == pytest.approx(1 - (least + 1 + 1 + 3) / (full + 8 + 4 + 3))


def test_a_sum_couples_layers() -> None:
    report = check("resnet20:2-3-4", (3, 8, 8))
    stem = report.groups[0]
    assert stem.layers == ("conv1", "stage1.0.conv2", "stage1.1.conv2", "stage1.2.conv2")
    assert {"stage1.0.conv1", "stage2.0.conv1", "stage2.0.shortcut.0"} <= set(stem.readers)


def test_what_stands_in_the_way_is_named() -> None:
    network = nn.Sequential(
        nn.Linear(4, 6), nn.LayerNorm(6), nn.ReLU(), nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2)
    )
    report = check(network, (4,))
    assert [str(refusal) for refusal in report.refusals] == [
        "0: 6 channels stay because of layer_norm in 1"
    ]
    assert [group.name for group in report.groups] == ["3"]
    assert 0 < report.removable_params < 1


def test_a_users_factory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "checked_net.py").write_text(
        "from torch import nn\n"
        "def make(num_classes, input_shape):\n"
        "    return nn.Sequential(nn.Conv2d(input_shape[0], 4, 3), nn.ReLU(), nn.Flatten(),\n"
        "                         nn.Linear(4 * 4 * 4, num_classes))\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert check("checked_net:make", (3, 6, 6)).groups[0].units == 4
    with pytest.raises(
        RequestError, match=r"cannot read samples of shape \(3, 9, 9\) .in layer '3'."
    ):
        check("checked_net:make", (3, 9, 9))


def test_of_a_layer_that_a_mask_could_empty_one_channel_stays() -> None:
    """a's three and b's four stand side by side, c adds seven: c alone keeps all units standing."""

    class SideBySide(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b, self.c = nn.Linear(5, 3), nn.Linear(5, 4), nn.Linear(5, 7)
            self.out = nn.Linear(7, 2)

        def forward(self, x: Tensor) -> Tensor:
            joined = torch.cat([self.a(x), self.b(x)], 1)
            return self.out(torch.relu(joined + self.c(x)))

    report = check(SideBySide(), (5,))
    (group,) = report.groups
    assert (group.units, set(group.layers)) == (5, {"a", "b", "c"})
    assert {refusal.layer: refusal.channels for refusal in report.refusals} == {
        "a": 1, "b": 1, "c": 2,
    }  # fmt: skip


def test_a_known_network_is_checked_with_ten_classes() -> None:
    assert check("mlp-a:8-4", (5,)).cost.params == (5 + 1) * 8 + (8 + 1) * 4 + (4 + 1) * 10
