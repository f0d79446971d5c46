"""``ensemble combine``: classifiers made elsewhere become one file that predicts."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pipeline_support import fails
from torch import nn

import ensemble
from ensemble.storage.sealed import CHECKSUM, seal, write_json_atomic
from pipelines.commands.cli import run
from pipelines.run import choice_files
from pruning.core.errors import RequestError
from pruning.inference.cost import count_cost

onnx = pytest.importorskip("onnx")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

CLASSES, SIDE = ("ant", "bee", "cow"), 6
MEAN, STD = 0.25, 0.5
EVERY = ("plain", "sure", "keras", "bytes", "old")


def images(seed: int, count: int) -> tuple[NDArray[np.uint8], NDArray[np.str_]]:
    """Return (N, 3, 6, 6) noise, brighter in the channel that is the class."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % 3
    pixels = rng.integers(0, 170, (count, 3, SIDE, SIDE))
    pixels[np.arange(count), labels] += 25
    return pixels.astype(np.uint8), np.array(CLASSES)[labels]


def scaled(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    return ((pixels / 255 - MEAN) / STD).astype(np.float32)


def weights(seed: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(seed)
    return (8 * np.eye(3) + rng.normal(size=(3, 3))).astype(np.float32)


def model(
    seed: int, *, kind: int = TensorProto.FLOAT, softmax: bool = False, last: bool = False,
    batch: Any = "batch", classes: int = 3, opset: int = 18, more: tuple[str, ...] = (),
    label: bool = False,
) -> Any:  # fmt: skip
    """Return a model: the channels' means times a matrix."""
    shape = (batch, SIDE, SIDE, 3) if last else (batch, 3, SIDE, SIDE)
    stored = [
        numpy_helper.from_array(np.resize(weights(seed), (3, classes)), "w"),
        numpy_helper.from_array(np.float32(255), "full"),
    ]
    nodes = [helper.make_node("Cast", ["x"], ["f"], to=TensorProto.FLOAT)]
    if kind == TensorProto.UINT8:  # a model that scales within
        nodes.append(helper.make_node("Div", ["f", "full"], ["g"]))
    axes = [1, 2] if last else [2, 3]
    source = nodes[-1].output[0]
    if opset < 18:
        nodes.append(helper.make_node("ReduceMean", [source], ["m"], axes=axes, keepdims=0))
    else:
        stored.append(numpy_helper.from_array(np.array(axes), "axes"))
        nodes.append(helper.make_node("ReduceMean", [source, "axes"], ["m"], keepdims=0))
    nodes.append(helper.make_node("MatMul", ["m", "w"], ["z"]))
    if softmax:
        nodes.append(helper.make_node("Softmax", ["z"], ["p"], axis=-1))
    out = "p" if softmax else "z"
    outputs = [helper.make_tensor_value_info(out, TensorProto.FLOAT, (batch, classes))]
    if label:
        nodes.append(helper.make_node("ArgMax", [out], ["label"], axis=1, keepdims=0))
        outputs.insert(0, helper.make_tensor_value_info("label", TensorProto.INT64, (batch,)))
    inputs = [helper.make_tensor_value_info(n, kind, shape) for n in ("x", *more)]
    graph = helper.make_graph(nodes, "g", inputs, outputs, stored)
    imports = [helper.make_opsetid("", opset)]
    return helper.make_model(graph, opset_imports=imports, ir_version=8)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with five models of five kinds, and labelled samples."""
    kinds: dict[str, dict[str, Any]] = {
        "plain": {},
        "sure": {"softmax": True},
        "keras": {"last": True, "softmax": True},
        "bytes": {"kind": TensorProto.UINT8},
        "old": {"opset": 13, "label": True},
    }
    for seed, (name, how) in enumerate(kinds.items()):
        onnx.save(model(seed, **how), tmp_path / f"{name}.onnx")
    pixels, labels = images(0, 90)
    unseen, truth = images(1, 60)
    np.savez(tmp_path / "y.npz", X=pixels, y=labels, X_test=unseen, y_test=truth)
    return tmp_path


def combine(home: Path, *names: str, more: tuple[str, ...] = (), labels: str = "y.npz") -> int:
    paths = [str(home / f"{name}.onnx") for name in names]
    scaling = () if labels != "y.npz" else ("--mean", str(MEAN), "--std", str(STD))
    given = ["--labels", str(home / labels), *scaling, "--out", str(home / "team"), *more]
    return run(["combine", *paths, *given])


def by_hand(name: str, seed: int, pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    given = pixels / 255 if name == "bytes" else scaled(pixels).astype(np.float64)
    logits = given.mean((2, 3)) @ weights(seed).astype(np.float64)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    return np.asarray(powers / powers.sum(1, keepdims=True))


def test_the_file_answers_as_its_members_do(home: Path) -> None:
    assert combine(home, *EVERY, more=("--s", "5")) == 0
    team = ensemble.load(home / "team" / "ensemble.onnx")
    pixels, labels = images(2, 41)
    expected = [by_hand(name, seed, pixels) for seed, name in enumerate(EVERY)]
    assert [member.name for member in team.description.members] == list(EVERY)
    assert team.predict_members(pixels) == pytest.approx(np.stack(expected), abs=1e-5)
    mean = np.mean(expected, 0)
    assert (team.predict(pixels) == np.array(CLASSES)[mean.argmax(1)]).all()
    logs = np.log(mean) / team.description.combination.temperature
    tempered = np.exp(logs) / np.exp(logs).sum(1, keepdims=True)
    assert team.predict_proba(pixels) == pytest.approx(tempered, abs=1e-5)
    assert team.score(pixels, labels) > 0.5


def test_weights_of_the_choice_are_those_of_the_file(home: Path) -> None:
    assert combine(home, *EVERY, more=("--s", "3", "--voting", "accuracy_weighted")) == 0
    team = ensemble.load(home / "team" / "ensemble.onnx")
    how = team.description.combination
    pixels, _ = images(2, 17)
    mean = np.einsum("s,snc->nc", how.weights, team.predict_members(pixels))
    logs = np.log(mean) / how.temperature
    tempered = np.exp(logs) / np.exp(logs).sum(1, keepdims=True)
    assert team.predict_proba(pixels) == pytest.approx(tempered, abs=1e-5)


def test_what_it_costs_is_counted(home: Path) -> None:
    assert combine(home, "plain", "sure", more=("--s", "2")) == 0
    team = ensemble.load(home / "team" / "ensemble.onnx")
    assert [m.cost.flops for m in team.description.members] == [18, 18]  # 3 × 3 products
    assert [m.cost.params for m in team.description.members] == [10, 10]


def test_convolutions_are_counted_as_on_torch() -> None:
    from ensemble.onnx.counting import count_graph

    network = nn.Sequential(
        nn.Conv2d(4, 6, 3, stride=2, groups=2), nn.ReLU(), nn.ConvTranspose2d(6, 5, 2),
        nn.Flatten(), nn.Linear(5 * 16, 7),
    )  # fmt: skip
    nodes = [
        helper.make_node("Conv", ["x", "0", "1"], ["a"], strides=[2, 2], group=2),
        helper.make_node("Relu", ["a"], ["b"]),
        helper.make_node("ConvTranspose", ["b", "2", "3"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "4", "5"], ["y"], transB=1),
    ]
    stored = [
        numpy_helper.from_array(tensor.detach().numpy(), str(place))
        for place, tensor in enumerate(network.parameters())
    ]
    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        nodes, "g", [value("x", TensorProto.FLOAT, ("N", 4, 8, 8))],
        [value("y", TensorProto.FLOAT, ("N", 7))], stored,
    )  # fmt: skip
    cost, uncounted = count_graph(helper.make_model(graph), (4, 8, 8))
    expected = count_cost(network, (4, 8, 8))
    assert uncounted == ()
    assert (cost.flops, cost.params, cost.bytes) == (
        expected.flops,
        expected.params,
        expected.bytes,
    )


def test_the_team_is_compared_on_the_test_part(home: Path) -> None:
    assert combine(home, *EVERY, more=("--s", "2")) == 0
    assert run(["compare", str(home / "team")]) == 0
    assert "selected" in (home / "team" / "comparison.csv").read_text()


def test_one_of_ours_is_a_member_too(home: Path) -> None:
    assert combine(home, *EVERY, more=("--s", "2")) == 0
    inner = home / "inner.onnx"
    inner.write_bytes((home / "team" / "ensemble.onnx").read_bytes())
    expected = ensemble.load(inner).predict_proba(images(3, 20)[0])
    assert combine(home, "inner", "plain", more=("--s", "2")) == 0
    found = ensemble.load(home / "team" / "ensemble.onnx").predict_members(images(3, 20)[0])
    assert found[0] == pytest.approx(expected, abs=1e-5)


def test_floats_are_handed_on_as_they_are(home: Path) -> None:
    pixels, labels = images(0, 90)
    np.savez(home / "floats.npz", X=scaled(pixels), y=np.searchsorted(np.array(CLASSES), labels))
    assert combine(home, "plain", "sure", labels="floats.npz", more=("--s", "2")) == 0
    team = ensemble.load(home / "team" / "ensemble.onnx")
    found = team.predict_members(scaled(pixels))
    expected = [by_hand("plain", 0, pixels), by_hand("sure", 1, pixels)]
    assert found == pytest.approx(np.stack(expected), abs=1e-5)
    assert team.classes_.tolist() == [0, 1, 2]


def test_predicting_needs_no_torch(home: Path) -> None:
    assert combine(home, "plain", "sure", more=("--s", "2")) == 0
    np.save(home / "x.npy", images(4, 5)[0])
    words = ["predict", str(home / "team" / "ensemble.onnx"), str(home / "x.npy")]
    code = (
        f"import sys; from pipelines.commands.cli import run; assert run({words!r}) == 0; "
        "assert not {'torch', 'onnx'} & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert any(name in done.stdout for name in CLASSES)


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"batch": 2}, "takes batches of 2 only"),
        ({"more": ("mask",)}, "has 2 inputs (x, mask)"),
        ({"classes": 5}, "tells 5 classes apart"),
        ({"kind": TensorProto.INT64}, "takes int64"),
    ],
)
def test_what_cannot_be_a_member_is_refused_by_name(
    home: Path, capsys: pytest.CaptureFixture[str], how: dict[str, Any], said: str
) -> None:
    onnx.save(model(9, **how), home / "other.onnx")
    capsys.readouterr()
    assert combine(home, "plain", "other") == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "other" in err
    assert said in err
    assert not (home / "team").exists()


def test_other_refusals_are_one_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "text.onnx").write_text("no model")
    wide = np.zeros((9, 3, 7, 7), np.uint8)
    np.savez(home / "wide.npz", X=wide, y=np.arange(9) % 3)
    np.savez(home / "only.npz", X=wide)
    (home / "other").mkdir()
    (home / "other" / "ensemble.json").write_text("{}")
    for names, labels, more, said in (
        (("plain", "text"), "y.npz", (), "cannot be read as an ONNX model"),
        (("plain",), "y.npz", (), "at least two"),
        (("plain", "plain"), "y.npz", (), "two models are called 'plain'"),
        (("plain", "sure"), "wide.npz", (), "takes samples of (3, 6, 6)"),
        (("plain", "sure"), "only.npz", (), "no 'y'"),
        (("plain", "sure"), "y.npz", ("--voting", "majority"), "--voting 'majority'"),
        (("plain", "gone"), "y.npz", (), "is no file"),
        (("plain", "sure"), "y.npz", ("--out", str(home / "other")), "is part of an ensemble"),
    ):
        capsys.readouterr()
        assert combine(home, *names, labels=labels, more=more) == 2
        out, err = capsys.readouterr()
        assert (out, err.count("\n")) == ("", 1), err
        assert said in err
    assert not (home / "team").exists()


def test_two_models_are_a_team_without_a_size_and_its_folder_is_the_ensemble(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert combine(home, "plain", "sure") == 0
    assert "chosen 2 of 2" in capsys.readouterr().out
    pixels, _ = images(2, 9)
    inside = ensemble.load(home / "team" / "ensemble.onnx")
    assert (ensemble.load(home / "team").predict(pixels) == inside.predict(pixels)).all()
    for command in ("show", "verify"):
        assert run([command, str(home / "team")]) == 0
        whole = capsys.readouterr().out.replace("ensemble.onnx", "")
        assert run([command, str(home / "team" / "ensemble.onnx")]) == 0
        assert capsys.readouterr().out.replace("/ensemble.onnx", "") == whole


def test_a_size_that_is_given_is_kept_to(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert combine(home, "plain", "sure", more=("--s", "3")) == 2
    assert "--s 3; allowed 1..2" in capsys.readouterr().err


def test_another_choice_does_not_leave_the_model_of_the_one_before(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert combine(home, "plain", "sure") == 0
    team = home / "team"
    before = {file: file.read_bytes() for file in team.rglob("*") if file.is_file()}
    answers = np.full((3, 90, 3), 1 / 3, np.float32)
    np.savez(home / "p.npz", probabilities=answers, labels=np.arange(90) % 3)
    words = ["select", str(home / "p.npz"), "--s", "2", "--out"]
    assert "team holds ensemble.onnx, the model of " in fails(capsys, *words, str(team))
    assert before == {file: file.read_bytes() for file in team.rglob("*") if file.is_file()}
    assert combine(home, "plain", "keras", more=("--s", "2")) == 0
    members = ensemble.load(team).description.members
    assert [member.name for member in members] == ["plain", "keras"]


def test_a_model_that_is_not_its_choices_is_refused_by_name(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after a kill before the file that names all was written."""
    assert combine(home, "plain", "sure") == 0
    np.save(home / "x.npy", images(4, 5)[0])
    write = choice_files.write_json_atomic

    def killed(path: Path, content: Any) -> None:
        if path.name == "choice.json":
            raise KeyboardInterrupt
        write(path, content)

    with monkeypatch.context() as patched:
        patched.setattr(choice_files, "write_json_atomic", killed)
        assert combine(home, "plain", "keras", more=("--s", "2")) == 130
    team = str(home / "team")
    for words in (["predict", team, str(home / "x.npy")], ["show", team], ["verify", team]):
        assert "give the `ensemble combine` command again" in fails(capsys, *words)
    fails(capsys, "compare", team, code=1)
    assert combine(home, "plain", "keras", more=("--s", "2")) == 0
    for words in (["predict", team, str(home / "x.npy")], ["verify", team], ["compare", team]):
        assert run(words) == 0


def test_a_choice_names_its_model_whatever_is_compared_and_older_ones_do_not(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert combine(home, "plain", "sure") == 0
    root = home / "team" / "choice.json"
    content = json.loads(root.read_text())
    digits = hashlib.sha256((home / "team" / "ensemble.onnx").read_bytes()).hexdigest()
    assert content["files"]["ensemble.onnx"] == digits
    held_out = np.load(home / "team" / "predictions" / "test.npz")
    np.savez(
        home / "t.npz", probabilities=held_out["probabilities"],
        labels=np.array(CLASSES)[held_out["labels"]],
        names=["plain", "sure"],
    )  # fmt: skip
    assert run(["compare", str(home / "team"), "--test", str(home / "t.npz")]) == 0
    assert json.loads(root.read_text())["files"]["ensemble.onnx"] == digits
    del content["files"]["ensemble.onnx"]
    write_json_atomic(root, seal({k: v for k, v in content.items() if k != CHECKSUM}))
    assert run(["verify", str(home / "team")]) == 0
    assert run(["compare", str(home / "team")]) == 0
    assert run(["compare", str(home / "team"), "--test", str(home / "t.npz")]) == 0


def test_an_unfinished_run_is_not_its_export(tmp_path: Path, home: Path) -> None:
    assert combine(home, "plain", "sure") == 0
    (home / "team" / "members").mkdir()
    with pytest.raises(RequestError, match="has made no ensemble yet"):
        ensemble.load(home / "team")
