"""The ensemble on ONNX Runtime: NumPy and onnxruntime are all it needs.

The file is a graph's bytes, then one protobuf entry of metadata: the sealed description,
in which the graph's length and checksum stand. So the whole file is accounted for without
reading ONNX.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ensemble.classifier import BATCH_SIZE, Classifier
from ensemble.description import Description
from ensemble.onnx.protobuf import field
from ensemble.onnx.screening import screen
from ensemble.onnx.sizes import check_sizes, quiet_session
from ensemble.onnx.telemetry import no_telemetry
from ensemble.probe import Probe
from ensemble.reading.arrays import Samples
from ensemble.storage.fields import Fields
from ensemble.storage.regular import open_regular
from ensemble.storage.sealed import sha256_of, unseal
from pruning.core.errors import RequestError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FORMAT = "dropnet-ensemble-onnx"
FORMAT_VERSION = 2
"""2 since a probe is kept; files of version 1 have none."""

METADATA = "dropnet-ensemble"
INPUT, TEAM, MEMBERS = "samples", "probabilities", "members"
LARGEST_FILE = 2**31 - 1
LARGEST_DESCRIPTION = 2 * 2**20
"""Bytes of what a file says of itself, which stands at its end."""


class OnnxEnsemble(Classifier):
    """A team exported to ONNX; same classes, probabilities and conventions as on torch.

    Parameters
    ----------
    graph
        ONNX's bytes, with input ``samples`` and outputs ``probabilities`` and ``members``.
    description
        What the file says of itself.
    batch_size
        Samples that are voted on at once.
    threads
        CPU threads it may use; None leaves it to onnxruntime.
    """

    def __init__(
        self,
        graph: bytes,
        description: Description,
        batch_size: int = BATCH_SIZE,
        threads: int | None = None,
    ) -> None:
        super().__init__(description, batch_size)
        self._graph, self._threads = graph, threads
        self._session = _session(graph, threads)

    def __getstate__(self) -> dict[str, Any]:
        """Return what is copied and pickled: the graph, of which a session is made again."""
        return {name: value for name, value in vars(self).items() if name != "_session"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Become what `__getstate__` returned."""
        vars(self).update(state)
        self._session = _session(self._graph, self._threads)

    def _member_probabilities(self, samples: Samples) -> NDArray[np.float32]:
        return self._run(MEMBERS, samples)

    def _team_probabilities(self, samples: Samples) -> NDArray[np.float32]:
        if not self.calibrate:
            return super()._team_probabilities(samples)
        return self._run(TEAM, samples)

    def check(self, probe: Probe, source: str) -> None:
        """Raise `RequestError` where the members do not answer a probe as it says."""
        about = self.description
        try:
            found = self._member_probabilities(probe.inputs(about.input_shape, about.scaling))
        except Exception as error:  # onnxruntime's errors share no other class
            reason = str(error).splitlines()[0][:300]
            raise RequestError(f"{source} does not run: {reason}") from error
        probe.check([member.name for member in about.members], found, source)

    def _run(self, output: str, samples: Samples) -> NDArray[np.float32]:
        found: NDArray[np.float32] = self._session.run([output], {INPUT: samples})[0]
        return found


def load_onnx(path: Path, *, threads: int | None = None, verify: bool = True) -> OnnxEnsemble:
    """Return the ensemble in one ``.onnx`` file written by `ensemble.onnx.export.export_onnx`.

    Parameters
    ----------
    path
        The file.
    threads
        CPU threads it may use; None leaves it to onnxruntime, which takes one per core.
    verify
        Whether it must answer the probe in the file as it did when it was written.

    Raises
    ------
    RequestError
        If the file is not such a one, or damaged, or onnxruntime is not installed.
    """
    parts = _split(path)
    description = Description.from_json(parts.content, str(path))
    probe = _probe(parts, description, str(path))
    model = open_graph(parts.graph, description, str(path), threads=threads)
    if probe is not None and verify:
        model.check(probe, str(path))
    return model


def open_graph(
    graph: bytes, about: Description, source: str, *, threads: int | None = None
) -> OnnxEnsemble:
    """Return the ensemble that a graph is; `source` is what to call it in an error."""
    found = screen(graph, source)
    try:
        check_sizes(graph, found, source, math.prod(about.input_shape), len(about.members))
        model = OnnxEnsemble(graph, about, threads=threads)
    except RequestError:
        raise
    except ImportError as error:
        raise RequestError(f"{source} needs onnxruntime; pip install onnxruntime") from error
    except Exception as error:  # onnxruntime's errors share no other class
        reason = str(error).splitlines()[0][:300]
        raise RequestError(f"{source} is not a graph that onnxruntime runs: {reason}") from error
    _check_interface(model._session, about, source)
    return model


def _session(graph: bytes, threads: int | None) -> InferenceSession:
    no_telemetry()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    return quiet_session(graph, options)


class _Parts(NamedTuple):
    """The description's JSON, and the graph's bytes."""

    content: dict[str, object]
    graph: bytes
    version: int


def _probe(parts: _Parts, about: Description, source: str) -> Probe | None:
    fields = Fields(source, parts.content)
    if parts.version == 1:
        return None
    if "probe" not in parts.content:
        raise RequestError(f"{source}: probe is missing")
    kept = fields.optional("probe")
    sizes = len(about.members), len(about.classes)
    return Probe.from_json(kept, *sizes, about.input_shape, about.scaling)


def metadata_entry(text: bytes) -> bytes:
    """Return ONNX's protobuf bytes of one metadata entry; appended to a model they join it.

    ModelProto.metadata_props is field 14; its key and value are fields 1 and 2.
    """
    return field(14, field(1, METADATA.encode()) + field(2, text))


def _split(path: Path) -> _Parts:
    """Find the metadata entry at a file's end, and check that it accounts for every byte."""
    source = str(path)
    with open_regular(path, LARGEST_FILE, links=True) as (file, whole):
        tail_bytes = min(whole, LARGEST_DESCRIPTION)
        file.seek(whole - tail_bytes)
        tail = file.read(tail_bytes)
        mark = tail.rfind(field(1, METADATA.encode()))
        begin = tail.find(b"{", mark) if mark >= 0 else -1
        if begin < 0:
            raise RequestError(f"{source} holds no ensemble; expected a file of `ensemble export`")
        fields = Fields(source, content := unseal(tail[begin:], source))
        version = _version(fields)
        kept = fields.inner("graph")
        size = kept.whole("bytes", 1, LARGEST_FILE)
        file.seek(0)
        graph = file.read(size) if size < whole else b""
    accounted = metadata_entry(tail[begin:])
    if whole != size + len(accounted) or not tail.endswith(accounted):
        raise RequestError(f"{source} does not match its checksum: changed or damaged")
    if sha256_of(graph) != kept.text("sha256", 64):
        raise RequestError(f"{source} does not match its checksum: changed or damaged")
    return _Parts(content, graph, version)


def _version(fields: Fields) -> int:
    if fields.text("format") != FORMAT:
        raise fields.error("format", repr(FORMAT))
    if (version := fields.whole("format_version", 1, 2**31)) > FORMAT_VERSION:
        raise RequestError(
            f"{fields.source} has format version {version}; this dropnet-ensemble reads up to "
            f"{FORMAT_VERSION}: install a newer one"
        )
    return version


def _check_interface(session: InferenceSession, about: Description, source: str) -> None:
    """Refuse a graph that is not the ensemble it is said to be."""
    given = {value.name: value for value in (*session.get_inputs(), *session.get_outputs())}
    wanted = {
        INPUT: (("tensor(uint8)" if about.eight_bit else "tensor(float)"), list(about.input_shape)),
        TEAM: ("tensor(float)", [len(about.classes)]),
    }
    for name, (kind, shape) in wanted.items():
        value = given.get(name)
        if value is None or value.type != kind or value.shape[1:] != shape:
            raise RequestError(f"{source}: its graph has no {name!r} of {kind} (N, {shape})")
    if set(given) != {INPUT, TEAM, MEMBERS}:
        raise RequestError(f"{source}: its graph has {sorted(given)}, expected {MEMBERS!r} too")
