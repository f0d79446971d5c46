"""Artefacts of somebody who means harm: refused in a line, before anything large is held."""

from __future__ import annotations

import os
import resource
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hostile
import numpy as np
import onnx
import pytest
from hostile import HARMLESS, folder, graph_of, onnx_file, with_weights
from onnx import TensorProto, helper
from safetensors.torch import load_file, save

import ensemble
from ensemble.onnx.protobuf import field, fields_of
from ensemble.onnx.screening import OPERATORS, screen
from pruning.core.errors import RequestError

NODE = helper.make_node
Change = Callable[[dict[str, Any]], None]


def refusal(path: Path) -> str:
    """Return the line with which a path is refused, soon and with little memory."""
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(RequestError) as caught:
        ensemble.load(path, verify=False)
    line = str(caught.value)
    assert "\n" not in line and len(line) < 1000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 * 1024  # KiB
    assert time.monotonic() - begun < 30
    return line


def test_the_copies_are_taken_where_nothing_is_changed(tmp_path: Path) -> None:
    x = np.zeros((5, *hostile.SAMPLE), np.uint8)
    expected = ensemble.load(hostile.KEPT / "team").predict_proba(x)
    np.testing.assert_array_equal(ensemble.load(folder(tmp_path / "a")).predict_proba(x), expected)
    path = onnx_file(tmp_path / "a.onnx", graph_of(HARMLESS))
    np.testing.assert_allclose(
        ensemble.load(path, verify=False).predict_proba(x), np.full((5, 3), 1 / 3), atol=1e-6
    )


@pytest.mark.parametrize("name", ["ensemble.json", "member-1.safetensors"])
@pytest.mark.parametrize("kind", ["link", "pipe", "device", "folder"])
def test_only_ordinary_files_are_opened(tmp_path: Path, name: str, kind: str) -> None:
    place = folder(tmp_path / "team")
    (place / name).rename(tmp_path / "outside")
    match kind:
        case "link":
            (place / name).symlink_to(tmp_path / "outside")
        case "pipe":
            os.mkfifo(place / name)
        case "device":
            (place / name).symlink_to("/dev/zero")
        case "folder":
            (place / name).mkdir()
    line = refusal(place)
    assert "ordinary" in line or "holds no ensemble" in line or "cannot be read" in line


def test_a_member_larger_than_its_network_is_not_read(tmp_path: Path) -> None:
    place = folder(tmp_path / "team")
    with (place / "member-0.safetensors").open("r+b") as file:
        file.truncate(2**36)
    assert "allowed are" in refusal(place)


def _many_names(content: dict[str, Any]) -> None:
    content["classes"] = {"kind": "str", "labels": [*map(str, range(150_000)), "x" * 900]}


def _deep(content: dict[str, Any]) -> None:
    value: list[Any] = []
    for _ in range(200):
        value = [value]
    content["more"] = value


def _huge_sample(content: dict[str, Any]) -> None:
    content["input"]["shape"] = [3, 2**13, 2**13]


CHANGES: dict[str, Change] = {
    "names": _many_names, "deep": _deep, "sample": _huge_sample,
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGES)
def test_a_manifest_asks_for_no_more_than_is_allowed(tmp_path: Path, kind: str) -> None:
    assert "ensemble.json" in refusal(folder(tmp_path / "team", CHANGES[kind]))


@pytest.mark.parametrize(
    "text", [b"[" * 2**21, b'{"a":' * 2**19, b"[" + b"{}," * 2**20, b'{"a":"\\ud800"}', b"1" * 9999]
)
def test_json_that_is_no_manifest_is_refused(tmp_path: Path, text: bytes) -> None:
    place = folder(tmp_path / "team")
    (place / "ensemble.json").write_bytes(text)
    refusal(place)


def test_a_manifest_of_many_bytes_is_not_read(tmp_path: Path) -> None:
    place = folder(tmp_path / "team")
    with (place / "ensemble.json").open("r+b") as file:
        file.truncate(2**36)
    assert "allowed are" in refusal(place)


@pytest.mark.parametrize("header", [2**40, 50_000_000, 0])
def test_a_header_of_weights_that_lies_is_refused(tmp_path: Path, header: int) -> None:
    data = struct.pack("<Q", header) + b"[" * 1000
    assert "does not fit" in refusal(with_weights(tmp_path / "team", data))


def test_weights_that_overflow_give_no_answer(tmp_path: Path) -> None:
    state = load_file(hostile.KEPT / "team" / "member-0.safetensors")
    huge = {name: value * 0 + 3e38 for name, value in state.items()}
    team = ensemble.load(with_weights(tmp_path / "team", save(huge)), verify=False)
    with pytest.raises(RequestError, match="no probabilities"):
        team.predict_proba(np.full((2, *hostile.SAMPLE), 255, np.uint8))
    with pytest.raises(RequestError, match="no probabilities"):
        team.predict_members(np.full((2, *hostile.SAMPLE), 255, np.uint8))


def _loop(*, operator: str) -> onnx.NodeProto:
    body = helper.make_graph(
        [NODE("Identity", ["c"], ["d"]), NODE("Identity", ["x"], ["y"])], "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("c", TensorProto.BOOL, []),
            helper.make_tensor_value_info("x", TensorProto.FLOAT, [1]),
        ],
        [
            helper.make_tensor_value_info("d", TensorProto.BOOL, []),
            helper.make_tensor_value_info("y", TensorProto.FLOAT, [1]),
        ],
    )  # fmt: skip
    return NODE(operator, ["", "", "zero"], ["hostile"], body=body)


LARGE = {"shape": [2**15, 2**15]}
TO_ONE = [NODE("ReduceMax", ["big"], ["hostile0"], keepdims=0),
          NODE("Unsqueeze", ["hostile0", "one"], ["hostile"])]  # fmt: skip
ROW = NODE("ConstantOfShape", ["row"], ["r"])
GRAPHS: dict[str, bytes] = {
    "loop": graph_of(_loop(operator="Loop")),
    "loop by another name": graph_of(_loop(operator="Identity")),
    "constant": graph_of(NODE("ConstantOfShape", ["shape"], ["big"]), *TO_ONE, numbers=LARGE),
    "expand": graph_of(NODE("Expand", ["zero", "shape"], ["big"]), *TO_ONE, numbers=LARGE),
    "tile": graph_of(NODE("Tile", ["zero", "often"], ["big"]), *TO_ONE, numbers={"often": [2**30]}),
    "outer product": graph_of(
        ROW, NODE("Transpose", ["r"], ["c"]), NODE("Add", ["r", "c"], ["big"]), *TO_ONE,
        numbers={"row": [1, 2**15]},
    ),
    "doubling": graph_of(
        NODE("Identity", ["zero"], ["d0"]),
        *(NODE("Concat", [f"d{i}"] * 2, [f"d{i + 1}"], axis=0) for i in range(30)),
        NODE("Identity", ["d30"], ["big"]), *TO_ONE,
    ),
    "lengths of lengths": graph_of(
        ROW, NODE("Shape", ["r"], ["s"]), NODE("Mul", ["s", "s"], ["t"]),
        NODE("ConstantOfShape", ["t"], ["big"]), *TO_ONE, numbers={"row": [2**14, 2**4]},
    ),
    "pad": graph_of(NODE("Pad", ["zero", "by"], ["big"]), *TO_ONE, numbers={"by": [0, 2**30]}),
    "chance": graph_of(NODE("RandomNormal", [], ["hostile"], shape=[1])),
    "another's operator": graph_of(NODE("Identity", ["zero"], ["hostile"], domain="evil")),
}  # fmt: skip


@pytest.mark.parametrize("kind", GRAPHS)
def test_a_graph_that_would_do_harm_does_not_run(tmp_path: Path, kind: str) -> None:
    line = refusal(onnx_file(tmp_path / "a.onnx", GRAPHS[kind]))
    assert "its graph" in line or "not a graph that onnxruntime runs" in line


def test_weights_are_taken_from_no_other_file(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "secret").write_bytes(struct.pack("<f", 1.0))
    outside = TensorProto(name="hostile", data_type=TensorProto.FLOAT, dims=[1], data_location=1)
    outside.external_data.add(key="location", value="secret")
    monkeypatch.chdir(tmp_path)
    line = refusal(onnx_file(tmp_path / "a.onnx", graph_of(initializers=[outside])))
    assert "another file" in line


@pytest.mark.parametrize("answer", [float("nan"), 1e30, -1.0])
def test_a_graph_that_answers_no_probabilities_is_refused(tmp_path: Path, answer: float) -> None:
    graph = onnx.load_from_string(graph_of(HARMLESS))
    third = next(t for t in graph.graph.initializer if t.name == "third")
    third.CopyFrom(helper.make_tensor("third", TensorProto.FLOAT, [3], [answer] * 3))
    team = ensemble.load(onnx_file(tmp_path / "a.onnx", graph.SerializeToString()), verify=False)
    with pytest.raises(RequestError, match="no probabilities"):
        team.predict(np.zeros((2, *hostile.SAMPLE), np.uint8))


def test_fields_given_twice_are_both_looked_at() -> None:
    harmless = graph_of(HARMLESS)
    more = field(7, field(1, field(4, b"Loop")))
    with pytest.raises(RequestError, match="Loop"):
        screen(harmless + more, "x")
    renamed = field(7, field(1, field(4, b"Identity") + field(4, b"Loop")))
    with pytest.raises(RequestError, match="Loop"):
        screen(harmless + renamed, "x")


@pytest.mark.parametrize("data", [b"\x08", b"\x0f\x00", b"\x3a\x05abc", b"\xff" * 20])
def test_bytes_that_are_no_message_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        list(fields_of(memoryview(data)))
    with pytest.raises(RequestError, match="not ONNX"):
        screen(data, "x")


LEFT_OUT = {
    "chance": "Bernoulli Multinomial RandomNormal RandomNormalLike RandomUniform RandomUniformLike",
    "control flow": "If Loop Scan SequenceMap",
    "texts, files": "ImageDecoder RegexFullMatch StringConcat StringNormalizer StringSplit "
    "TfIdfVectorizer",
    "sequences": "ConcatFromSequence Optional OptionalGetElement OptionalHasElement SequenceAt "
    "SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength SplitToSequence",
    "sizes that only running tells": "Compress MelWeightMatrix NonMaxSuppression NonZero Unique",
    "memory beyond what goes in and out": "Attention LinearAttention",
    "state": "CausalConvWithState TensorScatter",
    "training": "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
    "withdrawn": "Scatter",
}


def test_every_operator_of_onnx_is_allowed_or_left_out_for_a_reason() -> None:
    known = {schema.name for schema in onnx.defs.get_all_schemas() if not schema.domain}
    left_out = set(" ".join(LEFT_OUT.values()).split())
    assert not left_out & OPERATORS
    assert known <= OPERATORS | left_out


def test_a_wider_list_of_operators_can_be_handed_over() -> None:
    graph = graph_of(NODE("RandomNormal", [], ["hostile"], shape=[1]))
    assert "hostile" in screen(graph, "x", OPERATORS | {"RandomNormal"}).values


@pytest.mark.parametrize(
    "given", [{}, {"a": 1}, None, 5, b"bytes", {1, 2}, object()], ids=lambda g: type(g).__name__
)
def test_what_holds_no_samples_is_refused(given: Any) -> None:
    with pytest.raises(RequestError, match="samples of type"):
        ensemble.load(hostile.KEPT / "team").predict_proba(given)


@pytest.mark.parametrize(
    "weights", [[np.nan] * 3, [-1, 1, 1], [0, 0, 0], [1, 1], ["a", 1, 1], [np.inf, 1, 1]]
)
def test_weights_of_a_score_are_numbers(weights: list[Any]) -> None:
    team = ensemble.load(hostile.KEPT / "team")
    x = np.zeros((3, *hostile.SAMPLE), np.uint8)
    with pytest.raises(RequestError, match="sample_weight"):
        team.score(x, team.predict(x), weights)


def test_parameters_are_set_together_or_not_at_all() -> None:
    team = ensemble.load(hostile.KEPT / "team")
    before = team.get_params()
    for wrong in ({"device": "meta"}, {"calibrate": 3}, {"unknown": 1}, {"cascade": 7}):
        with pytest.raises(RequestError):
            team.set_params(batch_size=7, **wrong)
        assert team.get_params() == before
