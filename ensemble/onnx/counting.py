"""What an ONNX classifier costs per sample, counted on its graph."""

from __future__ import annotations

import math

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from pruning.inference.cost import Cost

_FLOATS = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16, TensorProto.BFLOAT16)


def count_graph(proto: onnx.ModelProto, sample: tuple[int, ...]) -> tuple[Cost, tuple[str, ...]]:
    """Return what one sample costs, and the names of operations that could not be counted.

    As in `pruning.inference.cost`: FLOPs are those of convolutions and matrix products, 2 for
    each multiply-accumulate.
    Parameters are the floating-point numbers stored, bytes all that is stored. The peak
    activation is that of nodes run in the order of the file, each value kept until it was last
    read.

    Parameters
    ----------
    proto
        A model of one input.
    sample
        Shape of one sample as the model takes it.
    """
    stored = {tensor.name: tensor for tensor in proto.graph.initializer}
    shapes, sizes = _values(proto, sample)
    flops, uncounted = 0, []
    for node in proto.graph.node:
        found = _flops(node, shapes | {name: list(t.dims) for name, t in stored.items()})
        flops += found or 0
        if found is None:
            uncounted.append(f"{node.op_type} {node.name}".strip())
    params = sum(math.prod(t.dims) for t in stored.values() if t.data_type in _FLOATS)
    held = sum(numpy_helper.to_array(tensor).nbytes for tensor in stored.values())
    return Cost(flops, params, held, _peak(proto, sizes)), tuple(uncounted)


def _values(
    proto: onnx.ModelProto, sample: tuple[int, ...]
) -> tuple[dict[str, list[int]], dict[str, int]]:
    """Return the shape and the bytes of every value whose shape can be inferred, at batch 1."""
    one = onnx.ModelProto()
    one.CopyFrom(proto)
    names = {tensor.name for tensor in one.graph.initializer}
    for value in one.graph.input:
        if value.name not in names:
            kind = value.type.tensor_type.elem_type
            value.CopyFrom(helper.make_tensor_value_info(value.name, kind, (1, *sample)))
    for value in one.graph.output:
        value.type.tensor_type.ClearField("shape")
    del one.graph.value_info[:]
    known = shape_inference.infer_shapes(one, data_prop=True).graph
    shapes, sizes = {}, {}
    for value in (*known.input, *known.value_info, *known.output):
        sides = [side.dim_value for side in value.type.tensor_type.shape.dim]
        if value.name not in names and all(side > 0 for side in sides):
            shapes[value.name] = sides
            dtype = helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)
            sizes[value.name] = math.prod(sides) * np.dtype(dtype).itemsize
    return shapes, sizes


def _flops(node: onnx.NodeProto, shapes: dict[str, list[int]]) -> int | None:
    """Return a node's FLOPs; 0 of operations that do not count, None where it cannot be told."""
    if node.op_type not in ("Conv", "ConvTranspose", "Gemm", "MatMul"):
        return 0
    given = [shapes.get(name) for name in node.input[:2]]
    first, second, out = (*given, shapes.get(node.output[0]))
    if first is None or second is None or out is None:
        return None
    if node.op_type == "Conv":
        return 2 * math.prod(out) * math.prod(second[1:])
    if node.op_type == "ConvTranspose":
        return 2 * math.prod(first) * math.prod(second[1:])
    turned = any(a.name == "transA" and a.i for a in node.attribute)
    return 2 * math.prod(out) * first[0 if turned else -1]


def _peak(proto: onnx.ModelProto, sizes: dict[str, int]) -> int:
    nodes = proto.graph.node
    last = {name: at for at, node in enumerate(nodes) for name in node.input}
    last |= {value.name: len(nodes) for value in proto.graph.output}
    alive = {value.name for value in proto.graph.input}
    peak = 0
    for at, node in enumerate(nodes):
        alive |= set(node.output)
        peak = max(peak, sum(sizes.get(name, 0) for name in alive))
        alive = {name for name in alive if last.get(name, -1) > at}
    return peak
