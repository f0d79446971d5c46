"""A user's network that cannot be pruned: one line that names the layer, exit 2, no files."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from pipeline_support import write_images

from pipelines.commands.cli import run

NETS = """
import warnings

import torch
from torch import nn
from torch.nn import functional as F


def raises(num_classes, input_shape):
    raise KeyError("no such\\nlayer")


def nothing(num_classes, input_shape):
    return None


def shallow(num_classes, input_shape):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, num_classes))


def other_shape(num_classes, input_shape):
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(16, num_classes))


def wrong_size(num_classes, input_shape):
    net = nn.Sequential()
    net.add_module("body", nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten()))
    net.add_module("head", nn.Linear(99, num_classes))
    return net


class Base(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.stem = nn.Linear(16, 8)
        self.twice = nn.Linear(8, 8)
        self.head = nn.Linear(8, num_classes)


class Deciding(Base):
    def forward(self, x):
        x = F.relu(self.stem(x.flatten(1)))
        if x.sum() > 3:
            x = F.relu(self.twice(x))
        return self.head(x)


class Choosing(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.gate = Deciding(8)
        self.head = nn.Linear(8, num_classes)

    def forward(self, x):
        return self.head(self.gate(x).relu())


class Shared(Base):
    def forward(self, x):
        x = F.relu(self.stem(x.flatten(1)))
        return self.head(F.relu(self.twice(F.relu(self.twice(x)))))


class Attending(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.embed = nn.Linear(4, 8)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.head = nn.Linear(8, num_classes)

    def forward(self, x):
        return self.head(self.encoder(self.embed(x.squeeze(1))).mean(1))


class Leaving(Base):
    def forward(self, x):
        x = self.stem(x.flatten(1)).relu()
        x = torch.from_numpy(x.detach().numpy()) + 0.0
        return self.head(self.twice(x).relu())


class Scripted(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.body = torch.jit.trace(nn.Linear(16, 8), torch.zeros(1, 16))
        self.head = nn.Linear(8, num_classes)

    def forward(self, x):
        return self.head(self.body(x.flatten(1)))


class Recurrent(nn.Module):
    def __init__(self, num_classes):
        super().__init__()
        self.front = nn.Linear(4, 6)
        self.memory = nn.LSTM(6, 5, batch_first=True)
        self.head = nn.Linear(5, num_classes)

    def forward(self, x):
        return self.head(self.memory(self.front(x.squeeze(1)).relu())[0][:, -1])


def deciding(num_classes, input_shape):
    return Deciding(num_classes)


def choosing(num_classes, input_shape):
    return Choosing(num_classes)


def shared(num_classes, input_shape):
    return Shared(num_classes)


def attending(num_classes, input_shape):
    return Attending(num_classes)


def leaving(num_classes, input_shape):
    return Leaving(num_classes)


def scripted(num_classes, input_shape):
    return Scripted(num_classes)


def recurrent(num_classes, input_shape):
    return Recurrent(num_classes)
"""

SAYS = {
    "raises": ("cannot be built for 3 classes and samples of shape (1, 4, 4)", "KeyError"),
    "nothing": ("returned NoneType; expected a torch.nn.Module",),
    "absent": ("cannot be imported", "'absent'"),
    "shallow": ("no layer that can be pruned",),
    "other_shape": ("cannot read samples of shape (1, 4, 4)", "in layer '0'"),
    "wrong_size": ("cannot read samples of shape (1, 4, 4)", "in layer 'head'"),
    "deciding": ("'Deciding' depends on the values of its input",),
    "choosing": ("'gate' depends on the values of its input",),
    "shared": ("layer 'twice' is used in two places",),
    "leaving": ("stem: 8 channels stay because of values that cannot be followed",),
    "scripted": ("layer 'body' is a ScriptModule",),
    "recurrent": ("front: 6 channels stay because of lstm in memory",),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "bad_nets.py").write_text(NETS, encoding="utf-8")
    write_images(tmp_path / "tiny.npz")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "bad_nets", raising=False)  # another test's, of another folder
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", SAYS)
@pytest.mark.parametrize("command", ["check", "build", "build mixed"])
def test_a_factory_that_cannot_be_pruned_is_one_line(
    command: str, name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arch = f"bad_nets:{name}"
    words = {
        "check": ["check", arch, "--input", "1x4x4", "--classes", "3"],
        "build": ["build", "--arch", arch],
        "build mixed": ["build", "--arch", "mlp-a:8-6", "--arch", arch],
    }[command]
    if command != "check":
        words += ["--data", "tiny.npz", "--m", "2", "--s", "1", "--jobs", "1", "--out", "run"]
    capsys.readouterr()
    assert run(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1, err
    for part in (*SAYS[name], name if command != "check" else ""):
        assert part in err
    assert not (folder / "run").exists(), "nothing half-pruned"


def test_what_stands_in_the_way_is_named_and_the_rest_is_pruned(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Attention: the feed-forward part goes, all that a layer norm reads stays."""
    assert run(["check", "bad_nets:attending", "--input", "1x4x4", "--classes", "3"]) == 0
    out = capsys.readouterr().out
    assert "encoder.linear1" in out.splitlines()[1]
    assert "not pruned: embed: 8 channels stay because of layer_norm in encoder.norm1\n" in out
