"""Classifiers that somebody made elsewhere, as ONNX files: what one takes and what it answers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, inliner

from ensemble.onnx.sizes import quiet_session
from ensemble.onnx.telemetry import no_telemetry
from ensemble.reading.arrays import Samples
from pruning.core.errors import RequestError
from pruning.samples.scaling import Scaling

KINDS = {
    TensorProto.FLOAT: np.float32,
    TensorProto.DOUBLE: np.float64,
    TensorProto.FLOAT16: np.float16,
    TensorProto.UINT8: np.uint8,
}
"""What a classifier may take; 8 bits are images as they are stored, the others scaled ones."""

BATCH = 128
"""Samples that are asked at once."""


@dataclass(frozen=True, eq=False)
class ForeignModel:
    """One classifier.

    Attributes
    ----------
    name
        What it is called in messages and in the team.
    proto
        The model, its weights inside.
    input, output
        Names in its graph.
    kind
        ONNX's number of the input's type, one of `KINDS`.
    last
        Whether its images have their channels last.
    """

    name: str
    proto: onnx.ModelProto
    input: str
    output: str
    kind: int
    last: bool

    def answers(self, samples: Samples, scaling: Scaling) -> NDArray[np.float32]:
        """Return (N, C) what it answers to stored samples: logits or probabilities."""
        no_telemetry()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        try:
            session = quiet_session(self.proto.SerializeToString(), options)
            parts = [
                session.run([self.output], {self.input: self._given(batch, scaling)})[0]
                for batch in _batches(samples)
            ]
        except Exception as error:  # onnxruntime's errors share no other class
            reason = str(error).splitlines()[0][:300]
            raise RequestError(f"{self.name} does not run: {reason}") from error
        found = np.concatenate(parts).astype(np.float32)
        if found.ndim != 2 or found.shape[1] < 2 or len(found) != len(samples):
            raise RequestError(
                f"{self.name} answers {len(samples)} samples with {found.shape}; expected (N, C), "
                "a column for each of at least two classes"
            )
        if not np.isfinite(found).all():
            raise RequestError(f"{self.name} answers with infinite values or none (NaN)")
        return found

    def _given(self, samples: Samples, scaling: Scaling) -> NDArray[Any]:
        given: NDArray[Any] = samples
        if self.kind != TensorProto.UINT8:
            trailing = (1,) * (samples.ndim - 2)
            offset, scale = (
                np.array(values, np.float32).reshape(-1, *trailing)
                for values in (scaling.offset, scaling.scale)
            )
            given = (samples.astype(np.float32) - offset) / scale
        if self.last:
            given = np.moveaxis(given, 1, -1)
        return np.ascontiguousarray(given, KINDS[self.kind])


def read_model(path: Path, samples: Samples) -> ForeignModel:
    """Return the classifier in a file, which is to take samples like these.

    Parameters
    ----------
    path
        An ``.onnx`` file; weights in files of their own stand beside it.
    samples
        (N, C, H, W) or (N, F), uint8 or float32, as stored.

    Raises
    ------
    RequestError
        If it is no such file, or cannot be a member: one line that says why.
    """
    if not path.is_file():
        raise RequestError(f"{path} is no file; give the path of an .onnx file")
    try:
        proto = onnx.load(str(path))
    except Exception as error:  # protobuf's errors and the file system's
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        raise RequestError(f"{path} cannot be read as an ONNX model: {reason}") from error
    if proto.functions:
        proto = inliner.inline_local_functions(proto)
    stored = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in stored]
    if len(inputs) != 1:
        names = ", ".join(value.name for value in inputs) or "none"
        raise RequestError(f"{path} has {len(inputs)} inputs ({names}); a member has one")
    kind = inputs[0].type.tensor_type.elem_type
    if kind not in KINDS:
        said = TensorProto.DataType.Name(kind).lower()
        raise RequestError(f"{path} takes {said}; a member takes floats or uint8")
    if kind == TensorProto.UINT8 and samples.dtype != np.uint8:
        raise RequestError(f"{path} takes uint8 and the samples are {samples.dtype}")
    last = _channels_last(path, _shape(inputs[0]), samples.shape[1:])
    return ForeignModel(path.stem, proto, inputs[0].name, _output(path, proto), kind, last)


def _channels_last(
    path: Path, shape: tuple[int | None, ...] | None, sample: tuple[int, ...]
) -> bool:
    """Return whether a model takes samples of this shape with the channels last; False as is."""
    if shape is None:
        return False
    if shape and shape[0] is not None:
        raise RequestError(
            f"{path} takes batches of {shape[0]} only; export it with a free batch axis (such as "
            "dynamic_axes or dynamic_shapes)"
        )
    if _fits(shape[1:], sample):
        return False
    if len(sample) == 3 and _fits(shape[1:], (*sample[1:], sample[0])):
        return True
    said = ", ".join("?" if side is None else str(side) for side in shape[1:])
    raise RequestError(f"{path} takes samples of ({said}); those given are {sample}")


def _fits(shape: tuple[int | None, ...], sample: tuple[int, ...]) -> bool:
    return len(shape) == len(sample) and all(
        side in (None, given) for side, given in zip(shape, sample, strict=True)
    )


def _shape(value: onnx.ValueInfoProto) -> tuple[int | None, ...] | None:
    """Return the sides, None where one is free; None where nothing is said."""
    if not value.type.tensor_type.HasField("shape"):
        return None
    sides = value.type.tensor_type.shape.dim
    return tuple(side.dim_value if side.dim_value > 0 else None for side in sides)


def _output(path: Path, proto: onnx.ModelProto) -> str:
    """Return the name of the output that holds a number for each class."""
    floats = (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16)
    found = [
        value.name
        for value in proto.graph.output
        if value.type.tensor_type.elem_type in floats and len(_shape(value) or (0, 0)) == 2
    ]
    if len(found) != 1:
        said = ", ".join(value.name for value in proto.graph.output)
        maps = any(value.type.HasField("sequence_type") for value in proto.graph.output)
        way = "; of scikit-learn, convert it with options={'zipmap': False}" if maps else ""
        raise RequestError(
            f"{path} has the outputs {said}, of which {len(found)} hold numbers (N, C); a member "
            f"has one{way}"
        )
    return str(found[0])


def _batches(samples: Samples) -> Iterator[Samples]:
    yield from (samples[start : start + BATCH] for start in range(0, len(samples), BATCH))
