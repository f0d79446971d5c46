from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import onnx
import pytest
import torch

import ensemble
from ensemble.cascade import NEVER, Cascade
from ensemble.model import Ensemble
from ensemble.onnx.graph import vote_in_torch
from ensemble.onnx.runtime import metadata_entry
from ensemble.storage.sealed import seal, sha256_of
from pruning.core.errors import RequestError
from pruning.samples.scaling import Scaling
from selection.voting import VOTES, Vote, vote

Make = Callable[..., Ensemble]
POOLS = {
    "colour": {
        "archs": ("conv-b:7-5", "mlp-a:20-10", "conv-c:4-5-6-7-9"), "shape": (3, 9, 13),
        "classes": tuple(range(200)), "weights": (0.5, 0.2, 0.3), "voting": "accuracy_weighted",
        "scaling": Scaling((120.0, 110.0, 90.0), (60.0, 50.0, 70.0)), "temperature": 0.6,
        "cascade": Cascade((0, 1, 2), NEVER),
    },
    "grey": {
        "classes": ("no", "yes"), "voting": "majority", "temperature": 1.4,
        "cascade": Cascade((2, 0, 1), NEVER),
    },
    "rows": {
        "archs": ("mlp-a:30", "mlp-a:9-9", "mlp-a:20"), "shape": (6,), "voting": "plurality",
        "classes": ("a", "b", "c"), "scaling": Scaling((1.0,) * 6, (2.0,) * 6),
    },
}  # fmt: skip


class Exported(NamedTuple):
    model: Ensemble
    path: Path


@pytest.fixture(scope="module", params=POOLS)
def exported(
    request: pytest.FixtureRequest, make_ensemble: Make, tmp_path_factory: pytest.TempPathFactory
) -> Exported:
    model = make_ensemble(**POOLS[request.param])
    path = tmp_path_factory.mktemp("onnx") / "team.onnx"
    model.export(path)
    return Exported(model, path)


@pytest.fixture(scope="module")
def one(make_ensemble: Make, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    model = make_ensemble(archs=("mlp-a:5", "mlp-a:4"))
    path = tmp_path_factory.mktemp("onnx") / "one.onnx"
    model.export(path)
    return Exported(model, path)


def samples(model: Ensemble, count: int) -> np.ndarray:
    shape, rng = model.description.input_shape, np.random.default_rng(0)
    if len(shape) == 1:
        return rng.normal(size=(count, *shape)).astype(np.float32)
    return rng.integers(0, 256, (count, *shape), dtype=np.uint8)


def test_torch_onnx_and_the_cascade_agree_on_10000_inputs(exported: Exported) -> None:
    model, x = exported.model, samples(exported.model, 10_000)
    loaded = ensemble.load(exported.path).set_params(batch_size=777)
    a, b = model.predict_proba(x), loaded.predict_proba(x)
    np.testing.assert_allclose(a, b, atol=1e-5)
    top = np.sort(a, axis=1)
    clear = top[:, -1] - top[:, -2] > 1e-5
    np.testing.assert_array_equal(model.predict(x)[clear], loaded.predict(x)[clear])
    np.testing.assert_allclose(model.predict_members(x), loaded.predict_members(x), atol=1e-5)
    assert loaded.classes_.tolist() == model.classes_.tolist()
    assert loaded.cost_ == model.cost_
    if model.description.combination.cascade is not None:
        model.set_params(cascade=True)
        np.testing.assert_allclose(model.predict_proba(x), a, atol=1e-5)
        model.set_params(cascade=False)


def test_calibration_can_be_turned_off(exported: Exported) -> None:
    x = samples(exported.model, 50)
    wanted = exported.model.set_params(calibrate=False).predict_proba(x)
    exported.model.set_params(calibrate=True)
    loaded = ensemble.load(exported.path).set_params(calibrate=False)
    np.testing.assert_allclose(loaded.predict_proba(x), wanted, atol=1e-5)


@pytest.mark.parametrize("voting", VOTES.names())
def test_a_vote_says_the_same_in_torch_or_is_refused_by_name(voting: str) -> None:
    rng = np.random.default_rng(0)
    members, weights = rng.dirichlet(np.ones(3), (4, 200)), np.array([0.1, 0.2, 0.3, 0.4])
    try:
        in_torch = vote_in_torch(voting)
    except RequestError as refused:
        assert VOTES[voting].__call__ is not Vote.__call__
        assert f"vote {voting!r}" in str(refused)
        return
    found = in_torch([torch.from_numpy(p) for p in members], weights.tolist())
    np.testing.assert_allclose(found.numpy(), vote(members, weights, voting), atol=1e-6)


@pytest.mark.parametrize("voting", ["mean", "accuracy_weighted", "fitted", "plurality", "majority"])
def test_a_built_in_vote_has_an_onnx_form(voting: str) -> None:
    assert callable(vote_in_torch(voting))


def test_the_file_names_nothing_of_this_machine(exported: Exported) -> None:
    data = exported.path.read_bytes()
    for trace in (str(Path(ensemble.__file__).parent.parent), "site-packages", 'File "'):
        assert trace.encode() not in data


def test_other_tools_read_it_too(one: Exported) -> None:
    import onnxruntime

    model = onnx.load(one.path)
    onnx.checker.check_model(model)
    about = json.loads({p.key: p.value for p in model.metadata_props}["dropnet-ensemble"])
    assert about["classes"]["labels"] == list(range(10))
    assert about["provenance"]["method"] == "hq"
    x = samples(one.model, 4)
    found = onnxruntime.InferenceSession(one.path).run(["probabilities"], {"samples": x})[0]
    np.testing.assert_allclose(found, one.model.predict_proba(x), atol=1e-5)


def test_the_same_ensemble_gives_the_same_file(one: Exported, tmp_path: Path) -> None:
    one.model.export(tmp_path / "b.onnx")
    assert (tmp_path / "b.onnx").read_bytes() == one.path.read_bytes()


def test_it_loads_where_there_is_only_numpy_and_onnxruntime(one: Exported) -> None:
    code = f"""
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        root = name.split(".")[0]
        if root in {{"torch", "torchvision", "safetensors", "sklearn", "pandas", "PIL", "click",
                    "rich", "onnx", "onnxscript", "joblib", "torch_pruning", "scipy"}}:
            raise ModuleNotFoundError(name, name=name)
sys.meta_path.insert(0, Absent())
import numpy as np, ensemble
clf = ensemble.load({str(one.path)!r})
x = np.zeros((3, 8, 8), np.uint8)
print(clf.predict(x).tolist(), clf.cost_.flops, clf.uncertainty(x).agreement.shape)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    wanted = one.model.predict(np.zeros((3, 8, 8), np.uint8)).tolist()
    assert done.stdout.split("] ")[0] + "]" == str(wanted)


def forged(path: Path, change: Callable[[dict], None], graph: bytes = b"") -> bytes:
    """Return the file with another description, correctly sealed."""
    model = onnx.load(path)
    content = json.loads(model.metadata_props[0].value)
    size = content["graph"]["bytes"]
    change(content)
    entry = metadata_entry(json.dumps(seal(content)).encode())
    return (graph or path.read_bytes()[:size]) + entry


@pytest.mark.parametrize(
    ("keys", "value"),
    [
        (("classes", "labels"), [1, 2, 3]),
        (("input", "shape"), [1, 9, 9]),
        (("input", "shape"), [64]),
        (("graph", "bytes"), 2**30),
        (("graph", "sha256"), "0" * 64),
        (("graph",), None),
        (("format",), "other"),
        (("format_version",), 3),
        (("probe",), {"answers": [0.0]}),
        (("probe",), {"answers": [0.0] * 80}),
        (("probe", "answers", 0), 1.0),
        (("probe", "answers", 0), -3.0),
        (("probe", "tolerance"), -1),
        (("members",), []),
        (("temperature",), 0),
        (("cascade",), {"order": [0], "threshold": 0.5}),
    ],
)
def test_a_forged_description_is_refused(
    one: Exported, tmp_path: Path, keys: tuple[str, ...], value: object
) -> None:
    def change(content: dict) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = value

    path = tmp_path / "f.onnx"
    path.write_bytes(forged(one.path, change))
    with pytest.raises(RequestError, match=r"f\.onnx") as caught:
        ensemble.load(path)
    assert "\n" not in str(caught.value)


def test_another_graph_than_the_described_is_refused(one: Exported, tmp_path: Path) -> None:
    other = onnx.load(one.path)
    del other.metadata_props[:]
    del other.graph.output[1:]
    graph = other.SerializeToString()

    def change(content: dict) -> None:
        content["graph"] = {"bytes": len(graph), "sha256": sha256_of(graph)}

    path = tmp_path / "f.onnx"
    path.write_bytes(forged(one.path, change, graph))
    with pytest.raises(RequestError, match="'members'"):
        ensemble.load(path)


def test_damage_is_found_wherever_it_is(one: Exported, tmp_path: Path) -> None:
    whole = one.path.read_bytes()
    path = tmp_path / "d.onnx"
    rng = np.random.default_rng(0)
    for position in [0, len(whole) - 1, *rng.integers(0, len(whole), 200)]:
        damaged = bytearray(whole)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(RequestError, match=r"d\.onnx"):
            ensemble.load(path)
    for data in (whole[:-1], whole[:100], whole + b"x", whole + whole, b""):
        path.write_bytes(data)
        with pytest.raises(RequestError, match=r"d\.onnx"):
            ensemble.load(path)


def test_it_runs_on_the_cpu_only(one: Exported) -> None:
    with pytest.raises(RequestError, match="cpu"):
        ensemble.load(one.path, device="cuda")


def test_int8_is_written_or_refused_by_its_measured_loss(
    make_ensemble: Make, tmp_path: Path
) -> None:
    model = make_ensemble(archs=("mlp-a:60-40", "conv-b:12-12"))
    x = samples(model, 400)
    y = model.predict(x)
    path = tmp_path / "q.onnx"
    with pytest.raises(RequestError, match="allowed loss -1"):
        model.export_int8(path, x, y, allowed_loss=-1)
    report = model.export_int8(path, x, y, allowed_loss=0.2)
    assert 0 < report.int8_seconds < 10
    assert 0 < report.float_seconds < 10
    loaded = ensemble.load(path)
    assert report.float_accuracy == 1.0
    assert report.int8_accuracy == loaded.score(x, y) >= 0.8
    assert report.int8_bytes == path.stat().st_size
    np.testing.assert_allclose(loaded.predict_proba(x), model.predict_proba(x), atol=0.1)
    if report.int8_accuracy < 1:
        with pytest.raises(RequestError, match="more than the allowed loss of 0"):
            model.export_int8(tmp_path / "r.onnx", x, y, allowed_loss=0.0)
        assert not (tmp_path / "r.onnx").exists()
