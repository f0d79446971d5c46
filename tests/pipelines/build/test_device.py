"""The devices are settled before training and carried to every tensor; checked on CPU tensors."""

from __future__ import annotations

import warnings
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch
from pipeline_support import TINY_OPTIONS, write_images
from pruning_support import blobs

from pipelines.build import device
from pipelines.build.device import PROCESSOR, Devices, devices_for, where_it_was
from pipelines.commands.cli import run as command
from pruning.core.errors import RequestError
from pruning.dropnet import DropNet, Runs, dropnet
from pruning.dropnet.settings import Rewinding
from pruning.training.device_data import DeviceData
from pruning.training.recipe import Recipe


def _listed(monkeypatch: pytest.MonkeyPatch, count: int, *, usable: bool = True) -> None:
    """Let torch list so many cards; those that are usable take a number though none is here."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    if usable:
        monkeypatch.setattr(device, "hold_a_number", lambda name: None)


@pytest.mark.parametrize(
    ("asked", "count", "expected"),
    [
        ("auto", 0, PROCESSOR),
        ("cpu", 2, PROCESSOR),
        ("auto", 2, Devices("cuda", ("cuda:0", "cuda:1"))),
        ("cuda", 3, Devices("cuda", ("cuda:0", "cuda:1", "cuda:2"))),
        ("cuda:1", 3, Devices("cuda", ("cuda:1",))),
        ("cuda:2,0", 3, Devices("cuda", ("cuda:2", "cuda:0"))),
    ],
)
def test_every_card_computes_or_those_that_were_asked_for(
    asked: str, count: int, expected: Devices, monkeypatch: pytest.MonkeyPatch
) -> None:
    _listed(monkeypatch, count)
    assert devices_for(asked) == expected


def test_auto_goes_on_where_the_run_began(monkeypatch: pytest.MonkeyPatch) -> None:
    _listed(monkeypatch, 2)
    assert devices_for("auto", "cpu") == PROCESSOR
    assert devices_for("auto", "cuda").first == "cuda:0"
    _listed(monkeypatch, 0)
    with pytest.raises(RequestError, match="this run trains on CUDA, and no CUDA device is here"):
        devices_for("auto", "cuda")
    assert where_it_was("cuda") == "cpu", "predictions need no card"


def test_groups_are_planned_for_the_least_able_card(monkeypatch: pytest.MonkeyPatch) -> None:
    able = {"cuda:0": (9, 0), "cuda:1": (7, 5), "cuda:2": (8, 0)}
    monkeypatch.setattr(torch.cuda, "get_device_capability", able.__getitem__)
    assert Devices("cuda", tuple(able)).least_able == "cuda:1"
    assert Devices("cuda", ("cuda:0", "cuda:2")).least_able == "cuda:2"
    assert PROCESSOR.least_able == "cpu"


@pytest.fixture
def asking(tmp_path: Path, capsys: pytest.CaptureFixture[str]):  # type: ignore[no-untyped-def]
    """Return what asks a build for a device, and gives back the one line it was refused in."""
    data, out = write_images(tmp_path / "tiny.npz"), tmp_path / "run"

    def ask(*words: str) -> str:
        assert (
            command(["build", "--data", str(data), "--out", str(out), *TINY_OPTIONS, *words]) == 2
        )
        said = capsys.readouterr()
        assert said.out == ""
        (line,) = said.err.splitlines()
        assert not out.exists(), "nothing is written"
        return line

    return ask


@pytest.mark.parametrize(
    ("asked", "count", "said"),
    [
        ("cuda", 0, "--device 'cuda': no CUDA device is here; allowed cpu, auto"),
        ("cuda:0", 0, "--device 'cuda:0': no CUDA device is here; allowed cpu, auto"),
        ("cuda:9", 2, "--device 'cuda:9': there is no card 9 here; allowed cuda:0, cuda:1, cpu"),
        ("cuda:0,1", 1, "--device 'cuda:0,1': there is no card 1 here; allowed cuda:0, cpu, auto"),
        ("cuda:x", 1, "--device 'cuda:x': allowed auto, cpu, cuda (every card), cuda:1 (one"),
        ("cuda:0,0", 1, "--device 'cuda:0,0': allowed auto, cpu, cuda (every card), cuda:1 (one"),
    ],
)
def test_a_card_that_is_not_here_is_said_in_one_line(  # type: ignore[no-untyped-def]
    asked: str, count: int, said: str, asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    _listed(monkeypatch, count)
    assert said in asking("--device", asked)


@pytest.mark.parametrize("asked", ["cuda", "cuda:0", "auto"])
def test_a_driver_that_fails_at_the_first_number_is_said_in_one_line(  # type: ignore[no-untyped-def]
    asked: str, asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    _listed(monkeypatch, 1, usable=False)
    monkeypatch.setattr("pipelines.run.small_work.MOST", 0.0)
    ones = torch.ones

    def fail(*size: int, **named: Any) -> torch.Tensor:
        if named.get("device") != "cuda:0":
            return ones(*size, **named)
        raise RuntimeError("CUDA error: system not yet initialized\nCompile with `TORCH_USE_CUDA`")

    monkeypatch.setattr(torch, "ones", fail)
    line = asking("--device", asked)
    assert f"--device '{asked}': cuda:0 is listed and cannot be used (CUDA error: system" in line
    assert "--device cpu" in line
    assert where_it_was("cuda") == "cpu", "a finished run is compared without it"


def _no_driver() -> bool:
    """Answer as torch does where the driver is older than its CUDA."""
    text = "CUDA initialization: The NVIDIA driver is too old. (Triggered internally at x.cpp:1.)"
    warnings.warn(text, stacklevel=2)
    return False


def test_a_driver_that_is_too_old_is_the_reason_given(  # type: ignore[no-untyped-def]
    asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", _no_driver)
    line = asking("--device", "cuda")
    assert line.endswith(
        "--device 'cuda': no CUDA device is here (CUDA initialization: The NVIDIA driver is too "
        "old.); allowed cpu, auto"
    )
    with pytest.warns(UserWarning, match=r"on the processor: .* driver is too old\.$"):
        assert devices_for("auto") == PROCESSOR
    with pytest.raises(RequestError, match=r"driver is too old\.\); go on where there is one"):
        devices_for("auto", "cuda")


def test_an_engine_that_the_card_is_too_old_for_is_said_in_one_line(  # type: ignore[no-untyped-def]
    asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    _listed(monkeypatch, 1)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device=None: (7, 0))
    monkeypatch.setattr("pipelines.build.resolving.on", lambda name: nullcontext())
    line = asking("--device", "cuda", "--engine", "loop-bf16")
    assert "--engine 'loop-bf16' " in line
    assert "; allowed auto" in line


def test_a_card_is_made_the_current_one_where_code_names_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entered: list[str] = []
    monkeypatch.setattr(torch.cuda, "device", lambda name: nullcontext(entered.append(name)))
    monkeypatch.setattr(torch.cuda, "empty_cache", lambda: entered.append("given back"))
    for name in ("cuda:1", "cpu"):
        with device.on(name):
            pass
    assert entered == ["cuda:1", "given back"]


def test_data_lie_on_the_device_as_they_are_stored() -> None:
    data = DeviceData.of(blobs(), torch.device("cpu", 0))
    assert data.train_images.dtype == torch.uint8
    assert {t.device.type for t in (data.train_images, data.val_labels)} == {"cpu"}


@pytest.mark.parametrize("arch", ["mlp-a:6-5", "conv-b:3-3"])
@pytest.mark.parametrize("to", ["initial", "late"])
def test_a_device_given_by_index_trains_to_the_same_members_on_the_cpu(arch: str, to: str) -> None:
    runs = Runs(arch, (0,), (1,))
    settings = DropNet(
        rounds=1,
        kappa=0.0,
        rewinding=Rewinding(to, 1 if to == "late" else None),  # type: ignore[arg-type]
        recipe=Recipe(max_epochs=2),
    )
    usual = list(dropnet(runs, blobs(), settings))
    named = list(dropnet(runs, blobs(), settings, device=torch.device("cpu", 0)))
    for [a], [b] in zip(usual, named, strict=True):
        assert {p.device for p in b.network.parameters()} == {torch.device("cpu")}
        assert all(
            torch.equal(v, b.network.state_dict()[k]) for k, v in a.network.state_dict().items()
        )


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")
def test_a_cuda_device_trains_and_hands_members_back_on_the_cpu() -> None:
    settings = DropNet(rounds=1, kappa=0.0, recipe=Recipe(max_epochs=5))
    rounds = list(dropnet(Runs("mlp-a", (0, 1), (0, 1)), blobs(), settings, device="cuda"))
    assert all(not p.is_cuda for m in rounds[-1] for p in m.network.parameters())
    assert all(m.val_accuracy > 0.5 for m in rounds[0])
