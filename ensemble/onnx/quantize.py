"""int8 weights and activations in the exported file, measured before they are accepted."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensemble.model import Ensemble
from ensemble.onnx.export import to_onnx, whole_team, write_onnx
from ensemble.onnx.runtime import INPUT, load_onnx
from ensemble.reading.inputs import batches
from pruning.core.errors import RequestError

if TYPE_CHECKING:
    import onnx

CALIBRATION_SAMPLES = 512
_QUANTIZED = ("Conv", "Gemm", "MatMul")


@dataclass(frozen=True)
class Int8Report:
    """What int8 costs and saves, on the samples it was measured on.

    Attributes
    ----------
    float_accuracy, int8_accuracy
        In 0..1.
    float_bytes, int8_bytes
        Size of the file.
    """

    float_accuracy: float
    int8_accuracy: float
    float_bytes: int
    int8_bytes: int


def export_int8(
    model: Ensemble, path: Path, X: Any, y: ArrayLike, *, allowed_loss: float = 0.01
) -> Int8Report:
    """Write the ensemble to `path` with int8 convolutions and matrix products.

    Ranges of the activations are taken from (at most 512 of) the same samples.

    Parameters
    ----------
    model
        What is exported.
    path
        The ``.onnx`` file; not written where int8 is refused.
    X, y
        The selection split: samples and true classes.
    allowed_loss
        Accuracy that may be lost, in 0..1.

    Raises
    ------
    RequestError
        If int8 loses more than `allowed_loss`, with both accuracies.
    """
    if not 0 <= allowed_loss < 1:
        raise RequestError(f"allowed loss {allowed_loss} must lie in 0..1, such as 0.01")
    graph, about = to_onnx(model), whole_team(model.description)
    samples = np.concatenate(list(batches(X, model.description.input_shape, model.batch_size)))
    quantized = _quantized(graph, _spread(samples))
    with tempfile.TemporaryDirectory() as folder:
        plain, small = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        write_onnx(plain, graph, about)
        write_onnx(small, quantized, about)
        report = Int8Report(
            load_onnx(plain).score(X, y), load_onnx(small).score(X, y),
            plain.stat().st_size, small.stat().st_size,
        )  # fmt: skip
    if report.float_accuracy - report.int8_accuracy > allowed_loss:
        raise RequestError(
            f"int8 has accuracy {report.int8_accuracy:.4f}, float32 {report.float_accuracy:.4f}: "
            f"more than the allowed loss of {allowed_loss:g}; allow more, or export without int8"
        )
    write_onnx(path, quantized, about)
    return report


def _spread(samples: NDArray[Any]) -> NDArray[Any]:
    """Return at most `CALIBRATION_SAMPLES`, evenly spread."""
    count = min(len(samples), CALIBRATION_SAMPLES)
    return samples[np.linspace(0, len(samples) - 1, count).astype(np.int64)]


def _quantized(graph: onnx.ModelProto, samples: NDArray[Any]) -> onnx.ModelProto:
    import onnx

    try:
        from onnxruntime.quantization import CalibrationDataReader, quantize_static
    except ImportError as error:
        raise RequestError(f"int8 needs {error.name}; install dropnet-ensemble[onnx]") from error

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        """Feeds one sample at a time."""

        def __init__(self) -> None:
            self._rest = iter(samples)

        def get_next(self) -> dict[str, NDArray[Any]] | None:
            """Return the next input, or None at the end."""
            sample = next(self._rest, None)
            return None if sample is None else {INPUT: sample[None]}

    with tempfile.TemporaryDirectory() as folder, _quietly():
        source, target = Path(folder, "float.onnx"), Path(folder, "int8.onnx")
        onnx.save_model(graph, source)
        quantize_static(
            source, target, Reader(), per_channel=True, op_types_to_quantize=list(_QUANTIZED)
        )
        return onnx.load_model(target)


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Its advice to prepare the graph first does not hold for a graph without shapes to infer."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
