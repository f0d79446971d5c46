"""How much an ONNX graph would compute, told before any of it is computed.

onnxruntime itself infers the shapes, of a graph whose every value is asked for and none computed.
What it leaves open, lengths put together from other lengths, is worked out here and told to it.
"""

from __future__ import annotations

import math
import operator
import struct
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ensemble.onnx.protobuf import field, fields_of, texts, varint, within
from ensemble.onnx.screening import GRAPH, INITIALIZER, INPUT, NODE, OUTPUT, Screened
from ensemble.onnx.telemetry import no_telemetry
from pruning.core.errors import RequestError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FEWEST_VALUES, VALUES_AN_INPUT = 2**24, 2**12
"""Numbers that a graph may compute for one sample: the first, or the second for each number of
its input and each member. ResNets compute about 300."""

MOST_LENGTHS = 64
"""Numbers of a value that are followed: lengths of axes are few."""

_ROUNDS = 8
_LARGE = 1024
_INT64 = 7
_ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "Add": operator.add,
    "Sub": operator.sub,
    "Mul": operator.mul,
    "Max": max,
    "Min": min,
}
_SAME = frozenset(("Cast", "Identity", "Reshape", "Squeeze", "Unsqueeze"))

Shapes = Mapping[str, list[Any]]
"""Name → lengths, each a number, or what onnxruntime says where it knows none."""


def check_sizes(
    graph: bytes, found: Screened, source: str, input_values: int, members: int = 1
) -> None:
    """Refuse a graph that computes more for one sample than a network of its input would.

    Parameters
    ----------
    graph, found
        ONNX's bytes, and what `screen` found in them.
    source
        What to call it in an error.
    input_values, members
        Numbers of a sample; networks in the graph.

    Raises
    ------
    RequestError
        If it computes too much, or what nobody can tell before it runs.
    """
    graph = _without_weights(graph)
    shapes = _inferred(graph, found)
    for _ in range(_ROUNDS):
        open_now = _open(shapes)
        if not open_now:
            break
        graph = _told(graph, shapes)
        shapes = _inferred(graph, found)
        if _open(shapes) == open_now:
            raise RequestError(
                f"{source}: the size of {open_now[0][:80]!r} in its graph depends on what is "
                "computed; allowed are sizes that are known before"
            )
    most = max(FEWEST_VALUES, VALUES_AN_INPUT * input_values * members)
    computed = {name: shapes[name] for name in found.values}
    if sum(map(math.prod, computed.values())) > most:
        raise RequestError(f"{source}: its graph computes more than {most} numbers for one sample")


def quiet_session(graph: bytes, options: Any) -> InferenceSession:
    """Return a session on the processor that prints nothing."""
    no_telemetry()
    import onnxruntime

    options.log_severity_level = 4
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def _open(shapes: Shapes) -> list[str]:
    return [name for name, shape in shapes.items() if not _known(shape)]


def _known(shape: list[Any]) -> bool:
    return all(isinstance(length, int) for length in shape)


def _inferred(graph: bytes, found: Screened) -> Shapes:
    """Return the shape of every value of a graph for one sample, as onnxruntime infers it.

    Bytes of two messages of one kind, one after the other, are both in one: so a graph's values
    become outputs of it.
    """
    no_telemetry()
    import onnxruntime

    hidden = dict.fromkeys(name for name in found.values if name not in found.outputs)
    asked = b"".join(field(OUTPUT, field(1, name.encode())) for name in hidden)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    for dimension in found.dimensions:
        options.add_free_dimension_override_by_name(dimension, 1)
    session = quiet_session(graph + field(GRAPH, asked), options)
    return {value.name: value.shape for value in (*session.get_inputs(), *session.get_outputs())}


def _rewritten(model: bytes, rewrite: Callable[[int, memoryview], bytes]) -> bytes:
    """Return a model with each part of its graph as `rewrite` makes it."""
    return b"".join(
        _written(number, content)
        if number != GRAPH or not isinstance(content, memoryview)
        else field(
            GRAPH,
            b"".join(rewrite(n, c) for n, c in fields_of(content) if isinstance(c, memoryview)),
        )
        for number, content in fields_of(memoryview(model))
    )


def _without_weights(model: bytes) -> bytes:
    """Return a model whose large constants are inputs of their shape: shapes need no numbers."""

    def rewrite(part: int, body: memoryview) -> bytes:
        if part != INITIALIZER or len(body) < _LARGE:
            return field(part, bytes(body))
        told = list(fields_of(body))
        axes = [n for number, value in told if number == 1 for n in _wholes(value)]
        kind = next((v for number, v in told if number == 2 and isinstance(v, int)), 0)
        shape = b"".join(field(1, _written(1, axis)) for axis in axes)
        tensor = _written(1, kind) + field(2, shape)
        name = b"".join(field(1, text.encode()) for text in texts(body, 8))
        return field(INPUT, name + field(2, field(1, tensor)))

    return _rewritten(model, rewrite)


def _wholes(value: int | memoryview) -> list[int]:
    """Return a repeated number, one or packed."""
    if isinstance(value, int):
        return [value]
    numbers, at = list[int](), 0
    while at < len(value):
        number, at = varint(value, at)
        numbers.append(number)
    return numbers


def _told(model: bytes, shapes: Shapes) -> bytes:
    """Return a model in which lengths that are put together are constants, where they are known."""
    lengths = {
        name: _numbers(tensor)
        for tensor in within(memoryview(model), GRAPH, INITIALIZER)
        for name in texts(tensor, 8)
    }
    return _rewritten(model, lambda part, body: _settled(part, body, shapes, lengths))


def _settled(part: int, body: memoryview, shapes: Shapes, lengths: dict[str, list[int]]) -> bytes:
    """Return a part of a graph, or the constant that it comes to."""
    if part != NODE:
        return field(part, bytes(body))
    kinds, given, made = (texts(body, number) for number in (4, 1, 2))
    found = _lengths(kinds[-1] if kinds else "", body, given, shapes, lengths)
    if found is None or len(made) != 1 or len(found) > MOST_LENGTHS:
        return field(part, bytes(body))
    lengths[made[0]] = found
    if kinds != ["Concat"]:
        return field(part, bytes(body))
    packed = struct.pack(f"<{len(found)}q", *found)
    dims = bytes([1 << 3, len(found), 2 << 3, _INT64])
    return field(INITIALIZER, dims + field(8, made[0].encode()) + field(9, packed))


def _lengths(
    kind: str,
    node: memoryview,
    given: list[str],
    shapes: Shapes,
    lengths: Mapping[str, list[int]],
) -> list[int] | None:
    """Return the numbers that a node puts out, where they are lengths that are known."""
    if kind == "Constant":
        return next((_numbers(tensor) for tensor in within(node, 5, 5)), None) or None
    if kind == "Shape" and given and given[0] in shapes and _known(shapes[given[0]]):
        said = dict(_whole_attributes(node))
        return shapes[given[0]][said.get("start", 0) : said.get("end")]
    known = [lengths[name] for name in given if lengths.get(name)]
    if kind in _SAME and known and given[0] in lengths:
        return lengths[given[0]] or None
    if len(known) < len(given) or not known:
        return None
    if kind == "Concat":
        return [length for part in known for length in part]
    if kind == "Gather" and all(-len(known[0]) <= i < len(known[0]) for i in known[1]):
        return [known[0][i] for i in known[1]]
    if kind == "Slice" and len(given) >= 3 and all(len(bound) == 1 for bound in known[1:]):
        start, end, *_, step = (*(bound[0] for bound in known[1:3]), known[-1][0])
        return known[0][start : end : step if len(given) == 5 else 1]
    if kind in _ARITHMETIC and len(known) == 2:
        longest = max(map(len, known))
        if all(len(part) in (1, longest) for part in known):
            left, right = (part * (longest // len(part)) for part in known)
            return [_ARITHMETIC[kind](a, b) for a, b in zip(left, right, strict=True)]
    return None


def _whole_attributes(node: memoryview) -> Iterator[tuple[str, int]]:
    for attribute in within(node, 5):
        for number, value in fields_of(attribute):
            if number == 3 and isinstance(value, int):
                signed = value - 2**64 if value >= 2**63 else value
                yield from ((name, signed) for name in texts(attribute, 1))


def _numbers(tensor: memoryview) -> list[int]:
    """Return the few whole numbers of a tensor; nothing where it holds others, or many."""
    parts = list(fields_of(tensor))
    raw = [value for number, value in parts if number == 9 and isinstance(value, memoryview)]
    if (2, _INT64) not in parts or len(raw) != 1 or len(raw[0]) > 8 * MOST_LENGTHS:
        return []
    return [number for (number,) in struct.iter_unpack("<q", raw[0][: len(raw[0]) // 8 * 8])]


def _written(number: int, value: int | memoryview) -> bytes:
    if isinstance(value, memoryview):
        return field(number, bytes(value))
    coded = bytearray([number << 3])
    while value >= 0x80:
        coded.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*coded, value])
