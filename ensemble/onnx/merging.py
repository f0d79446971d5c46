"""Several ONNX classifiers become one graph: scaling, members, vote and temperature inside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, compose, helper, numpy_helper, version_converter

from ensemble.calibration import FLOOR
from ensemble.description import Description
from ensemble.onnx.foreign import ForeignModel
from ensemble.onnx.runtime import INPUT, MEMBERS, TEAM
from pruning.core.errors import RequestError

OPSET = 18
"""The least version of ONNX's operators that the merged graph is written in."""

NEWEST_IR = 10
"""Of the file format: what onnxruntime of the last years reads."""


@dataclass(frozen=True, eq=False)
class Member:
    """A classifier of the team, and whether its answers are logits."""

    model: ForeignModel
    logits: bool


def merged(members: Sequence[Member], about: Description) -> onnx.ModelProto:
    """Return one graph as `ensemble.onnx.runtime` runs it.

    Input ``samples`` (N, *input_shape), uint8 or float32; outputs ``probabilities`` (N, C) and
    ``members`` (S, N, C), float32. The vote is the mean by the description's weights.

    Raises
    ------
    RequestError
        If the members' operators are of versions that do not go together.
    """
    protos, opsets = _one_version(members)
    nodes = _Nodes()
    float_samples = nodes.scaled(about)
    graphs, answers = [], []
    for place, (member, proto) in enumerate(zip(members, protos, strict=True)):
        prefix = f"member{place}/"
        part = compose.add_prefix(proto, prefix)
        graphs.append(part)
        source = INPUT if member.model.kind == TensorProto.UINT8 else float_samples
        nodes.feed(prefix + member.model.input, source, member.model)
        answers.append((prefix + member.model.output, member.logits))
    inner = len(nodes.nodes)
    nodes.vote(answers, about)
    graph = helper.make_graph(
        [*nodes.nodes[:inner], *(n for g in graphs for n in g.graph.node), *nodes.nodes[inner:]],
        "ensemble",
        [_value(INPUT, about, ("N", *about.input_shape))],
        [
            _value(TEAM, None, ("N", len(about.classes))),
            _value(MEMBERS, None, (len(members), "N", len(about.classes))),
        ],
        [*nodes.constants, *(t for g in graphs for t in g.graph.initializer)],
    )
    graph.sparse_initializer.extend(t for g in graphs for t in g.graph.sparse_initializer)
    return helper.make_model(
        graph,
        opset_imports=[helper.make_opsetid(domain, version) for domain, version in opsets.items()],
        ir_version=min(NEWEST_IR, max(g.ir_version for g in [*graphs, _least()])),
    )


def _least() -> onnx.ModelProto:
    return onnx.ModelProto(ir_version=8)


def _one_version(
    members: Sequence[Member],
) -> tuple[list[onnx.ModelProto], dict[str, int]]:
    """Return the members' models in one version of the operators, and which, by domain."""
    found = [
        {one.domain or "": one.version for one in member.model.proto.opset_import}
        for member in members
    ]
    wanted = {domain: version for said in found for domain, version in said.items()}
    wanted[""] = max(OPSET, *(said.get("", 1) for said in found))
    protos = []
    for member, said in zip(members, found, strict=True):
        other = next((d for d in said if d and said[d] != wanted[d]), None)
        if other is not None:
            raise RequestError(
                f"{member.model.name} has version {said[other]} of the operators {other}, others "
                f"have {wanted[other]}; export them with one"
            )
        proto = member.model.proto
        if said.get("", OPSET) != wanted[""]:
            try:
                proto = version_converter.convert_version(proto, wanted[""])
            except Exception as error:  # its errors share no other class
                raise RequestError(
                    f"{member.model.name} has opset {said['']}, which cannot be brought to "
                    f"{wanted['']}: {str(error).splitlines()[0][:200]}; export it with "
                    f"{wanted['']}"
                ) from error
        protos.append(proto)
    return protos, wanted


def _value(
    name: str, about: Description | None, shape: tuple[int | str, ...]
) -> onnx.ValueInfoProto:
    kind = TensorProto.UINT8 if about is not None and about.eight_bit else TensorProto.FLOAT
    return helper.make_tensor_value_info(name, kind, shape)


class _Nodes:
    """The nodes around the members, with their constants."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def scaled(self, about: Description) -> str:
        """Return the name of the samples as scaled float32."""
        trailing = (1,) * (len(about.input_shape) - 1)
        offset, scale = (
            self._constant(name, np.array(values, np.float32).reshape(-1, *trailing))
            for name, values in (("offset", about.scaling.offset), ("scale", about.scaling.scale))
        )
        as_float = self._node("Cast", [INPUT], "float", to=TensorProto.FLOAT)
        return self._node(
            "Div", [self._node("Sub", [as_float, offset], "shifted"), scale], "scaled"
        )

    def feed(self, target: str, source: str, model: ForeignModel) -> None:
        """Hand samples to a member as it takes them."""
        name = target.replace("/", "_")
        if model.last:
            source = self._node("Transpose", [source], f"{name}_last", perm=[0, 2, 3, 1])
        self._node("Cast", [source], target, to=model.kind)

    def vote(self, answers: Sequence[tuple[str, bool]], about: Description) -> None:
        """Make the two outputs of the members' answers."""
        axis = self._constant("axis", np.array([0], np.int64))
        rows, shares = [], []
        for place, (answer, logits) in enumerate(answers):
            row = self._node("Cast", [answer], f"answer{place}", to=TensorProto.FLOAT)
            if logits:
                row = self._node("Softmax", [row], f"probabilities{place}", axis=-1)
            rows.append(self._node("Unsqueeze", [row, axis], f"row{place}"))
            weight = np.array(about.combination.weights[place], np.float32)
            share = self._constant(f"weight{place}", weight)
            shares.append(self._node("Mul", [row, share], f"share{place}"))
        self._node("Concat", rows, MEMBERS, axis=0)
        if about.combination.temperature == 1:
            self._node("Sum", shares, TEAM)
            return
        floor = self._constant("floor", np.array(FLOOR, np.float32))
        warm = self._constant("temperature", np.array(about.combination.temperature, np.float32))
        summed = self._node("Sum", shares, "team")
        logs = self._node("Log", [self._node("Max", [summed, floor], "floored")], "logs")
        self._node("Softmax", [self._node("Div", [logs, warm], "tempered")], TEAM, axis=-1)

    def _constant(self, name: str, values: NDArray[Any]) -> str:
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def _node(self, kind: str, inputs: Sequence[str], output: str, **attributes: object) -> str:
        self.nodes.append(helper.make_node(kind, list(inputs), [output], name=output, **attributes))
        return output
