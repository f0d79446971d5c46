"""int8 weights and activations in the exported file, measured before they are accepted."""

from __future__ import annotations

import contextlib
import logging
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ensemble.classifier import BATCH_SIZE
from ensemble.description import Description
from ensemble.member import EnsembleMember
from ensemble.onnx.export import file_bytes, graph_bytes, to_onnx, whole_team
from ensemble.onnx.runtime import INPUT, OnnxEnsemble, open_graph
from ensemble.onnx.telemetry import no_telemetry
from ensemble.probe import INT8, Probe, noise
from ensemble.reading.inputs import AsStored, batches
from ensemble.storage.sealed import write_bytes_atomic
from pruning.core.errors import RequestError
from pruning.core.limits import rounded_up

if TYPE_CHECKING:
    import onnx

CALIBRATION_SAMPLES = 512
"""Samples from which the ranges of activations are taken, at most."""

TIMED = 30
"""Predictions of one sample that are timed; one before them warms up."""

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
    float_seconds, int8_seconds
        Median time of one sample, on the machine and processors that exported it.
    """

    float_accuracy: float
    int8_accuracy: float
    float_bytes: int
    int8_bytes: int
    float_seconds: float
    int8_seconds: float


def export_int8(
    path: Path, members: Sequence[EnsembleMember], about: Description, X: Any, y: ArrayLike,
    *, allowed_loss: float = 0.01,
) -> Int8Report:  # fmt: skip
    """Write an ensemble to `path` with int8 convolutions and matrix products.

    Ranges of the activations are taken from (at most 512 of) the same samples. The probe in the
    file is what the int8 graph itself answers.

    Parameters
    ----------
    path
        The ``.onnx`` file; not written where int8 is refused.
    members, about
        What is exported.
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
    about = whole_team(about)
    graph = to_onnx(members, about)
    samples = np.concatenate(list(batches(X, about.input_shape, BATCH_SIZE, about.scaling.reading)))
    plain, small = graph_bytes(graph), graph_bytes(_quantized(graph, _spread(samples)))
    int8 = open_graph(small, about, str(path))
    whole, file = file_bytes(plain, about, None), file_bytes(small, about, _probe(int8))
    floating = open_graph(plain, about, str(path))
    report = Int8Report(
        floating.score(X, y), int8.score(X, y), len(whole), len(file),
        *_seconds((floating, int8), AsStored(samples[:1])),
    )  # fmt: skip
    lost = report.float_accuracy - report.int8_accuracy
    if lost > allowed_loss:
        raise RequestError(
            f"int8 has accuracy {report.int8_accuracy:.4f}, float32 {report.float_accuracy:.4f}: "
            f"more than the allowed loss of {allowed_loss:g}; allow {rounded_up(lost, 4):g} "
            "(`max_loss`, in Python `allowed_loss`), or export without int8"
        )
    write_bytes_atomic(path, file)
    return report


def _seconds(models: Sequence[OnnxEnsemble], sample: AsStored) -> list[float]:
    """Return the median time of a prediction by each, taken in turn: load falls on all alike."""
    times: list[list[float]] = []
    for _ in range(TIMED + 1):
        times.append([])
        for model in models:
            begun = time.perf_counter()
            model.predict_proba(sample)
            times[-1].append(time.perf_counter() - begun)
    medians: list[float] = np.median(times[1:], axis=0).tolist()
    return medians


def _probe(model: OnnxEnsemble) -> Probe | None:
    """Return what an int8 graph answers to noise; None where that is no number."""
    about = model.description
    found = model.predict_members(AsStored(noise(about.input_shape, about.scaling)))
    return Probe.of(found, INT8) if np.isfinite(found).all() else None


def _spread(samples: NDArray[Any]) -> NDArray[Any]:
    """Return at most `CALIBRATION_SAMPLES`, evenly spread."""
    count = min(len(samples), CALIBRATION_SAMPLES)
    return samples[np.linspace(0, len(samples) - 1, count).astype(np.int64)]


def _quantized(graph: onnx.ModelProto, samples: NDArray[Any]) -> onnx.ModelProto:
    import onnx

    no_telemetry()
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
    """Silence advice to prepare the graph first: ours has no shapes to infer."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
