"""Artefacts and files whose author means harm, their seals made right."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import onnx
from onnx import TensorProto, helper

from ensemble.onnx.runtime import _split, metadata_entry
from ensemble.storage.sealed import canonical_json, seal, sha256_of, unseal

KEPT = Path(__file__).parents[1] / "ensemble" / "artefacts" / "v2"
"""An ensemble of three members for images of 3×16×16 and three classes."""

SAMPLE = (3, 16, 16)


def folder(place: Path, change: Callable[[dict[str, Any]], None] = lambda _: None) -> Path:
    """Return a copy of the kept ensemble with a changed, newly sealed ``ensemble.json``."""
    shutil.copytree(KEPT / "team", place)
    root = place / "ensemble.json"
    content = unseal(root.read_bytes(), "kept")
    change(content)
    root.write_text(json.dumps(seal(content)))
    return place


def with_weights(place: Path, data: bytes, index: int = 0) -> Path:
    """Return a copy whose member has these bytes, named by their checksum."""

    def change(content: dict[str, Any]) -> None:
        content["files"][index]["sha256"] = sha256_of(data)

    folder(place, change)
    (place / f"member-{index}.safetensors").write_bytes(data)
    return place


def onnx_file(path: Path, graph: bytes, **changes: Any) -> Path:
    """Write a graph as the kept ensemble's ``.onnx``, sealed."""
    content = {**_split(KEPT / "team.onnx").content, **changes}
    content |= {"graph": {"bytes": len(graph), "sha256": sha256_of(graph)}}
    path.write_bytes(graph + metadata_entry(canonical_json(seal(content))))
    return path


def graph_of(
    *nodes: onnx.NodeProto,
    numbers: Mapping[str, Any] | None = None,
    opset: int = 18,
    initializers: list[onnx.TensorProto] | None = None,
) -> bytes:
    """Return a graph of the kept ensemble's interface; `hostile` (1,) float is added to its team.

    `numbers` are whole numbers by name.
    """
    constants = [
        helper.make_tensor(name, TensorProto.INT64, [len(values)], values)
        for name, values in (numbers or {}).items()
    ]
    constants += [
        helper.make_tensor("third", TensorProto.FLOAT, [3], [1 / 3] * 3),
        helper.make_tensor("axes", TensorProto.INT64, [3], [1, 2, 3]),
        helper.make_tensor("zero", TensorProto.FLOAT, [1], [0.0]),
        helper.make_tensor("wide", TensorProto.INT64, [3], [3, 1, 1]),
        *(initializers or []),
    ]
    rest = [
        helper.make_node("Cast", ["samples"], ["float"], to=TensorProto.FLOAT),
        helper.make_node("ReduceSum", ["float", "axes"], ["sums"], keepdims=0),
        helper.make_node("Unsqueeze", ["sums", "one"], ["column"]),
        helper.make_node("Mul", ["column", "zero"], ["nought"]),
        helper.make_node("Add", ["nought", "third"], ["even"]),
        helper.make_node("Mul", ["hostile", "zero"], ["none"]),
        helper.make_node("Add", ["even", "none"], ["probabilities"]),
        helper.make_node("Expand", ["probabilities", "wide"], ["members"]),
    ]
    constants.append(helper.make_tensor("one", TensorProto.INT64, [1], [1]))
    model = helper.make_model(
        helper.make_graph(
            [*nodes, *rest], "ensemble",
            [helper.make_tensor_value_info("samples", TensorProto.UINT8, ["N", *SAMPLE])],
            [
                helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, ["N", 3]),
                helper.make_tensor_value_info("members", TensorProto.FLOAT, [3, "N", 3]),
            ],
            constants,
        ),
        opset_imports=[helper.make_opsetid("", opset)],
        ir_version=9,
    )  # fmt: skip
    data: bytes = model.SerializeToString()
    return data


HARMLESS = helper.make_node("Identity", ["zero"], ["hostile"])
"""What makes `graph_of` a graph that does no harm."""
