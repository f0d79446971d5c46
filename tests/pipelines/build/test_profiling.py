"""``--profile``: a bounded trace of a training beside the build, which it does not change."""

from __future__ import annotations

import dataclasses
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from pipeline_support import TINY_OPTIONS, tiny_config, write_images

from pipelines.build import short_training
from pipelines.build.profiling import EPOCHS, STEPS, TRACED, profile_group
from pipelines.build.resolving import resolve
from pipelines.build.story import build
from pipelines.commands.cli import run
from pipelines.run.config import BuildConfig
from pipelines.run.resources import Placement
from pruning.data.load import load_splits
from pruning.dropnet import DropNet
from pruning.training import Training
from pruning.training.recipe import Recipe


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_images(tmp_path / "tiny.npz")


def _traced(config: BuildConfig, path: Path) -> str:
    splits = load_splits(config.data.data, seed=0).splits
    resolved = resolve(config, splits)
    return profile_group(path, resolved.groups[0], resolved, splits, "cpu")


def _named(trace: dict[str, Any], name: str) -> int:
    return sum(str(event.get("name")).startswith(name) for event in trace["traceEvents"])


@pytest.mark.parametrize(("arch", "steps"), [("mlp-a:8-6", 8), ("conv-b:2-2", 9)])
def test_the_trace_holds_the_steps_of_its_epochs(
    arch: str, steps: int, data: Path, tmp_path: Path
) -> None:
    """Four MLPs train as one population of 32 / 4 steps; a network alone takes all 144 / 16."""
    said = _traced(tiny_config(data, archs=(arch,)), tmp_path / "t.json")
    trace = json.loads((tmp_path / "t.json").read_text())
    assert f"profile: {TRACED} epochs of {steps} steps of " in said
    assert str(tmp_path / "t.json") in said
    assert _named(trace, "ProfilerStep#") >= TRACED
    # Two convolutions, each with one gradient a step; plain MLPs train without autograd.
    gradients = _named(trace, "autograd::engine::evaluate_function: ConvolutionBackward0")
    assert gradients == (2 * TRACED * steps if arch.startswith("conv") else 0)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(max_epochs=1, batch_size=16),
        Recipe(max_epochs=40, batch_size=16, schedule="by-epoch", patience=1),
        Recipe(batch_size=1),
        Recipe(batch_size=144),
        Recipe(max_epochs=2, warmup=1, schedule="cosine", batch_size=8),
    ],
)
def test_it_trains_so_many_epochs_of_few_steps_whatever_the_recipe(
    recipe: Recipe, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int, int]] = []
    train = short_training.train

    def watched(networks: Any, generators: Any, training: Training, **named: Any) -> Any:
        results = train(networks, generators, training, **named)
        epochs = {len(result.epochs) for result in results}
        data = training.data
        seen.append((*epochs, len(data.train_labels), len(data.val_labels)))
        return results

    monkeypatch.setattr(short_training, "train", watched)
    config = tiny_config(data, dropnet=DropNet(rounds=1, recipe=recipe))
    _traced(config, tmp_path / "t.json")
    [(epochs, samples, validated)] = seen
    assert epochs == EPOCHS
    assert samples == min(144, (STEPS // 4) * (recipe.batch_size or 0))
    assert validated <= max(samples, 1)
    assert (tmp_path / "t.json").stat().st_size > 1000


def test_what_is_built_does_not_depend_on_it(data: Path, tmp_path: Path) -> None:
    torch.manual_seed(3)
    state = torch.get_rng_state()
    config = tiny_config(data)
    for name, trace in (("plain", None), ("profiled", str(tmp_path / "t.json.gz"))):
        build(config, out=tmp_path / name, placement=Placement(jobs=1, profile=trace))
    assert torch.equal(torch.get_rng_state(), state)
    plain, profiled = (
        {f.relative_to(tmp_path / name): f.read_bytes()
         for f in (tmp_path / name).rglob("*") if f.is_file() and f.name != "build.log"}
        for name in ("plain", "profiled")
    )  # fmt: skip
    assert plain == profiled
    assert json.loads(gzip.decompress((tmp_path / "t.json.gz").read_bytes()))["traceEvents"]
    assert not list(tmp_path.glob(".*"))
    assert '"profile":' in (tmp_path / "profiled" / "build.log").read_text()


def test_networks_that_draw_at_random_leave_torchs_generator(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = torch.get_rng_state()
    train = short_training.train

    def drawing(*args: Any, **named: Any) -> Any:
        torch.rand(3)
        return train(*args, **named)

    monkeypatch.setattr(short_training, "train", drawing)
    _traced(tiny_config(data), tmp_path / "t.json")
    assert torch.equal(torch.get_rng_state(), state)


def test_an_earlier_trace_is_replaced_whole_or_kept(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.json"
    path.write_text("earlier")
    config = dataclasses.replace(tiny_config(data), m=2)

    def stopped(*args: Any, **named: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(short_training, "train", stopped)
        with pytest.raises(KeyboardInterrupt):
            _traced(config, path)
    assert path.read_text() == "earlier"
    _traced(config, path)
    assert json.loads(path.read_text())["traceEvents"]
    assert not list(tmp_path.glob(".*"))


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("nowhere/t.json", "cannot be written: No such file or directory; give a file in a "),
        ("tiny.npz/t.json", "cannot be written: Not a directory; give a file in a folder"),
        (".", "is there and is not a file; give another name"),
        ("x" * 300, "cannot be written: File name too long"),
        ("", "--profile '': allowed a text that is not empty"),
    ],
)
def test_a_place_that_cannot_be_written_is_refused_before_the_data_are_read(
    place: str, said: str, data: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    words = ["build", *TINY_OPTIONS, "--data", "nowhere.npz", "--out", "run"]
    assert run([*words, "--profile", place]) == 2
    err = capsys.readouterr().err
    assert err.startswith("ensemble: --profile ")
    assert said in err
    assert err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.npz"]
