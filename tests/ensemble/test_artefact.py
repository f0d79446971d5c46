from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

import ensemble
from ensemble.description import LayerWidth, MemberInfo
from ensemble.member import EnsembleMember
from ensemble.model import Ensemble
from ensemble.storage.sealed import seal, sha256_of
from pruning.core.errors import RequestError
from pruning.inference.cost import count_cost
from pruning.networks.architecture import MOST_UNITS

Change = Callable[[dict], None]


def test_what_is_loaded_is_what_was_saved(team: Ensemble, saved: Path, images: Callable) -> None:
    loaded = ensemble.load(saved)
    x = images()
    np.testing.assert_array_equal(loaded.predict_proba(x), team.predict_proba(x))
    np.testing.assert_array_equal(loaded.classes_, team.classes_)
    assert loaded.cost_ == team.cost_
    assert loaded.description.provenance == team.description.provenance
    assert loaded.description.members[0].widths[0] == LayerWidth("fc1", 5, 12)


@pytest.mark.parametrize(
    "options",
    [
        {"classes": ("ant", "bée", "κ"), "shape": (3, 8, 12)},
        {"archs": ("mlp-a:4",), "shape": (5,), "classes": (-3, 10**15)},
        {"voting": "plurality"},
        {"weights": (0.1, 0.2, 0.7)},
    ],
)
def test_every_kind_survives(
    options: dict, make_ensemble: Callable[..., Ensemble], tmp_path: Path
) -> None:
    team = make_ensemble(**options)
    team.save(tmp_path / "a")
    loaded = ensemble.load(tmp_path / "a")
    again = ensemble.load(tmp_path / "a")
    again.save(tmp_path / "b")
    assert loaded.classes_.dtype.kind == team.classes_.dtype.kind
    np.testing.assert_array_equal(loaded.classes_, team.classes_)
    assert loaded.description.combination.weights == team.description.combination.weights
    loaded.save(tmp_path / "c")
    assert contents(tmp_path / "b") == contents(tmp_path / "c")


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_same_ensemble_gives_the_same_bytes(
    team: Ensemble, saved: Path, tmp_path: Path
) -> None:
    team.save(tmp_path / "again")
    assert contents(saved) == contents(tmp_path / "again")


def test_a_run_folder_and_the_artefact_in_it_are_both_found(saved: Path) -> None:
    run = saved.parent / "run"
    run.mkdir()
    saved.rename(run / "ensemble")
    assert repr(ensemble.load(run)) == repr(ensemble.load(str(run / "ensemble")))


def test_saving_replaces_an_ensemble_and_nothing_else(team: Ensemble, tmp_path: Path) -> None:
    team.save(tmp_path / "a")
    team.save(tmp_path / "a")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").touch()
    with pytest.raises(RequestError, match="photos"):
        team.save(tmp_path / "photos")
    assert (tmp_path / "photos" / "cat.png").exists()


def test_loading_draws_no_random_numbers_and_runs_no_training_code(saved: Path) -> None:
    before = torch.random.get_rng_state()
    ensemble.load(saved)
    assert torch.equal(before, torch.random.get_rng_state())
    code = (
        f"import sys, ensemble; ensemble.load({str(saved)!r}); "
        "print([m for m in ('torch_pruning', 'pandas', 'sklearn', 'pruning.training', "
        "'pruning.data', 'PIL', 'torchvision') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def make_net(num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(input_shape)), num_classes))


def test_a_users_factory_is_run_only_when_handed_over(tmp_path: Path, images: Callable) -> None:
    network = make_net(10, (1, 8, 8))
    member = EnsembleMember.of(network, (1, 8, 8), "00-r0", "my.nets:make_net")
    team = Ensemble([member], np.arange(10), (1, 8, 8))
    team.save(tmp_path / "a")
    with pytest.raises(RequestError, match="factories="):
        ensemble.load(tmp_path / "a")
    loaded = ensemble.load(tmp_path / "a", factories={"my.nets:make_net": make_net})
    np.testing.assert_array_equal(loaded.predict_proba(images()), team.predict_proba(images()))


def set_path(*keys: str | int, to: object) -> Change:
    def change(content: dict) -> None:
        place = content
        for key in keys[:-1]:
            place = place[key]
        if to is ...:
            del place[keys[-1]]
        else:
            place[keys[-1]] = to

    return change


EVIL = [
    set_path("format", to="pickle"),
    set_path("format_version", to=99),
    set_path("format_version", to="1"),
    set_path("members", to=[]),
    set_path("members", to="abc"),
    set_path("members", 0, "arch", to="os:system"),
    set_path("members", 0, "arch", to="mlp-a:os.system"),
    set_path("members", 0, "arch", to="mlp-a:" + "9" * 150),
    set_path("members", 0, "arch", to="mlp-b"),
    set_path("members", 0, "arch", to="mlp-a:-1"),
    set_path("members", 0, "arch", to="x" * 10_000),
    set_path("members", 0, "name", to="01-r3"),
    set_path("members", 0, "cost", "flops", to=-1),
    set_path("members", 0, "cost", "flops", to=True),
    set_path("members", 0, "cost", "flops", to=1e3),
    set_path("members", 0, "cost", to=...),
    set_path("files", 0, "file", to="../../etc/passwd"),
    set_path("files", 0, "file", to="/etc/passwd"),
    set_path("files", 0, "file", to="member-1.safetensors"),
    set_path("files", 0, "sha256", to="0" * 64),
    set_path("files", 0, "sha256", to=None),
    set_path("files", 0, "sizes", "fc1", "out_features", to=10**9),
    set_path("files", 0, "sizes", "fc1", "out_features", to=0),
    set_path("files", 0, "sizes", "fc1", "out_features", to=16_000_000),
    set_path("files", 0, "sizes", "fc1", to={"weight": 3}),
    set_path("files", 0, "sizes", "fc9", to={"in_features": 3, "out_features": 3}),
    set_path("files", 1, "sizes", "conv1", "groups", to=5),
    set_path("classes", "kind", to="pickle"),
    set_path("classes", "labels", to=[0]),
    set_path("classes", "labels", to=[0, 0]),
    set_path("classes", "labels", to=[0, "a"]),
    set_path("classes", "labels", to=[0, 2**64]),
    set_path("classes", "labels", to=[0, 1, 2]),
    set_path("input", "shape", to=[1, 8]),
    set_path("input", "shape", to=[1, 9, 9]),
    set_path("input", "shape", to=[1, 2**23, 2**23]),
    set_path("input", "shape", to=[0, 8, 8]),
    set_path("input", "scale", to=[0.0]),
    set_path("input", "scale", to=[1.0, 2.0]),
    set_path("vote", "name", to="shouting"),
    set_path("vote", "name", to="os:system"),
    set_path("vote", "weights", to=[1.0]),
    set_path("vote", "weights", to=["a", "b", "c"]),
    set_path("provenance", "select_accuracy", to=7),
    set_path("provenance", to=[]),
]


@pytest.mark.parametrize("change", EVIL, ids=range(len(EVIL)))
def test_a_forged_root_is_refused_in_one_line(saved: Path, change: Change) -> None:
    root = saved / "ensemble.json"
    content = json.loads(root.read_text())
    change(content)
    root.write_text(json.dumps(seal(content)))
    with pytest.raises(RequestError) as caught:
        ensemble.load(saved)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 900


def test_a_huge_unpruned_network_takes_no_memory(saved: Path, team: Ensemble) -> None:
    root = saved / "ensemble.json"
    content = json.loads(root.read_text())
    content["members"][0]["arch"] = f"mlp-a:{MOST_UNITS}-{MOST_UNITS}"
    root.write_text(json.dumps(seal(content)))
    assert ensemble.load(saved).cost_ == team.cost_
    content["members"][0]["arch"] = f"mlp-a:{MOST_UNITS + 1}-64"
    root.write_text(json.dumps(seal(content)))
    with pytest.raises(RequestError, match="1,048,577 units; allowed are 1,048,576"):
        ensemble.load(saved)


@pytest.mark.parametrize("most", [0, 2**62], ids=["by its shape alone", "in full"])
def test_a_sample_that_does_not_fit_is_found_either_way(
    saved: Path, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble.artefact.rebuilding.MOST_PASSED", most)
    assert ensemble.load(saved).cost_
    root = saved / "ensemble.json"
    content = json.loads(root.read_text())
    content["input"]["shape"] = [1, 9, 9]
    root.write_text(json.dumps(seal(content)))
    with pytest.raises(RequestError, match="does not fit architecture"):
        ensemble.load(saved)


class Keeper(nn.Module):
    """A user's own network: it holds a plain tensor and reads a value."""

    def __init__(self, num_classes: int, input_shape: tuple[int, ...]) -> None:
        super().__init__()
        self.mean = torch.full((1,), 0.5)
        self.fc = nn.Linear(*input_shape, 4)
        self.output = nn.Linear(4, num_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x - self.mean if x.abs().max() >= 0 else x
        return self.output(torch.relu(self.fc(x)))  # type: ignore[no-any-return]


def test_a_network_of_ones_own_is_tried_in_full(
    team: Ensemble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ensemble.artefact.rebuilding.MOST_PASSED", 0)
    network = Keeper(2, (5,)).eval()
    cost = count_cost(nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 2)), (5,))
    member = EnsembleMember(network, MemberInfo("00-r0", "mine:Keeper", cost))
    own = Ensemble([member], np.array([0, 1]), (5,))
    own.save(tmp_path / "own")
    loaded = ensemble.load(tmp_path / "own", factories={"mine:Keeper": Keeper})
    x = np.random.default_rng(0).random((3, 5), np.float32)
    np.testing.assert_array_equal(loaded.predict_proba(x), own.predict_proba(x))


def test_loading_waits_for_no_compiler(saved: Path) -> None:
    """torch's takes a second to import, and shapes without numbers ask for it."""
    code = f"import sys, ensemble; ensemble.load({str(saved)!r}); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch._dynamo", "sympy", "pandas", "sklearn"} & set(done.stdout.split())


def forge_tensors(folder: Path, tensors: dict[str, torch.Tensor]) -> None:
    file, root = folder / "member-0.safetensors", folder / "ensemble.json"
    save_file(tensors, file)
    content = json.loads(root.read_text())
    content["files"][0]["sha256"] = sha256_of(file.read_bytes())
    root.write_text(json.dumps(seal(content)))


@pytest.mark.parametrize("kind", ["missing", "extra", "shape", "dtype", "nan", "empty"])
def test_forged_weights_are_refused_in_one_line(saved: Path, kind: str) -> None:
    tensors = load_file(saved / "member-0.safetensors")
    bias = tensors["fc1.bias"]
    match kind:
        case "missing":
            del tensors["fc1.bias"]
        case "extra":
            tensors["fc7.bias"] = bias.clone()
        case "shape":
            tensors["fc1.bias"] = bias[:-1].clone()
        case "dtype":
            tensors["fc1.bias"] = bias.double()
        case "nan":
            tensors["fc1.bias"] = bias * float("nan")
        case "empty":
            tensors = {}
    forge_tensors(saved, tensors)
    with pytest.raises(RequestError, match=r"member-0\.safetensors") as caught:
        ensemble.load(saved)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_safetensors_is_refused(saved: Path) -> None:
    file, root = saved / "member-0.safetensors", saved / "ensemble.json"
    for data in (b"", b"\x80\x04.", b"\xff" * 100, b"\xff" * 7 + b"\x7f" + b"{}"):
        file.write_bytes(data)
        content = json.loads(root.read_text())
        content["files"][0]["sha256"] = sha256_of(data)
        root.write_text(json.dumps(seal(content)))
        with pytest.raises(RequestError, match=r"member-0\.safetensors"):
            ensemble.load(saved)


@pytest.mark.parametrize("name", ["ensemble.json", "member-0.safetensors", "member-2.safetensors"])
def test_a_damaged_copy_is_refused(saved: Path, name: str) -> None:
    whole = (saved / name).read_bytes()
    flipped = bytearray(whole)
    flipped[whole.find(b"flops") if name.endswith("json") else len(whole) // 2] ^= 1
    for data in (whole[:-3], whole[: len(whole) // 2], bytes(flipped), whole + b"x", b""):
        (saved / name).write_bytes(data)
        with pytest.raises(RequestError, match=name):
            ensemble.load(saved)
    (saved / name).unlink()
    with pytest.raises(RequestError, match=name):
        ensemble.load(saved)


def test_a_file_too_many_is_refused(saved: Path) -> None:
    (saved / "member-3.safetensors").touch()
    with pytest.raises(RequestError, match="member-3"):
        ensemble.load(saved)


@pytest.mark.parametrize("place", ["nowhere", "", "file.txt", "fake.onnx"])
def test_where_no_ensemble_is(tmp_path: Path, place: str) -> None:
    (tmp_path / "file.txt").touch()
    (tmp_path / "fake.onnx").write_bytes(b"not onnx")
    with pytest.raises(RequestError, match=r"ensemble\.json|onnx"):
        ensemble.load(tmp_path / place)
