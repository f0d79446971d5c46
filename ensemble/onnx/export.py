"""The whole ensemble as one ONNX file: scaling, members, vote and temperature inside.

The graph is made by torch's own exporter, so that any network that torch can export can be
a member. The file is the graph's bytes followed by one metadata entry, the sealed
description, which names the graph's length and checksum (see `ensemble.onnx.runtime`).
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from ensemble.description import Description
from ensemble.member import EnsembleMember
from ensemble.onnx.batches import fault
from ensemble.onnx.graph import Graph
from ensemble.onnx.runtime import (
    FORMAT,
    FORMAT_VERSION,
    INPUT,
    MEMBERS,
    TEAM,
    metadata_entry,
    open_graph,
)
from ensemble.onnx.telemetry import no_telemetry
from ensemble.probe import Probe
from ensemble.reading.arrays import Samples
from ensemble.storage.sealed import canonical_json, seal, sha256_of, write_bytes_atomic
from pruning.core.errors import RequestError

if TYPE_CHECKING:
    import onnx

OPSET = 18


def export_onnx(
    path: Path, members: Sequence[EnsembleMember], about: Description, probe: Probe | None
) -> None:
    """Write an ensemble to `path` as one ONNX file; the batch size stays free.

    Input ``samples``: (N, *input_shape), uint8 images or float32 rows. Outputs:
    ``probabilities`` (N, C) float32 and ``members`` (S, N, C) float32. It needs the extra
    ``onnx``; what it writes needs NumPy and onnxruntime.

    Raises
    ------
    RequestError
        If a member's network cannot be exported, the vote has no form in ONNX, or the graph
        does not answer the probe as the networks did.
    """
    about = whole_team(about)
    graph = graph_bytes(to_onnx(members, about, None if probe is None else probe.samples))
    if probe is not None:
        open_graph(graph, about, str(path)).check(probe, f"{path} was not written")
    write_bytes_atomic(path, file_bytes(graph, about, probe))


def to_onnx(
    members: Sequence[EnsembleMember], about: Description, samples: Samples | None = None
) -> onnx.ModelProto:
    """Return the ensemble's graph, without names of this machine and without metadata.

    It is run at several batch sizes beside the networks (`ensemble.onnx.batches`). Where a
    network reads its batch size as a number, the graph is made from the program's text instead
    of a run, which takes longer.

    Parameters
    ----------
    members, about
        What is exported.
    samples
        Inputs by which it is checked; noise when None.

    Raises
    ------
    RequestError
        If it cannot be exported, or its graph does not answer as the networks do.
    """
    graph, faults = Graph(members, about).eval(), list[str]()
    for strict in (False, True):
        try:
            model = _bare(_exported(graph, about, strict=strict))
        except RequestError as error:
            faults.append(str(error))
            continue
        opened = open_graph(graph_bytes(model), about, "the exported graph")
        found = fault(opened, members, about, samples)
        if found is None:
            return model
        faults.append(f"the ensemble cannot be exported to ONNX: its graph {found}; {_ANY_BATCH}")
    raise RequestError(faults[0])


_ANY_BATCH = (
    "a network must take any number of samples: write x.shape[0] for len(x) and int(x.shape[0]), "
    "x.flatten(1) for reshape(len(x), -1), and no loop over the samples"
)


def _exported(graph: Graph, about: Description, *, strict: bool) -> onnx.ModelProto:
    """Return what torch's exporter makes, from a run or (strict) from the program's text."""
    dtype = torch.uint8 if about.eight_bit else torch.float32
    samples = (torch.zeros(2, *about.input_shape, dtype=dtype),)
    any_batch = ({0: torch.export.Dim("N")},)
    no_telemetry()  # torch's exporter imports onnxruntime where it is installed
    try:
        with _quietly():
            source: nn.Module | torch.export.ExportedProgram = graph
            if strict:
                source = torch.export.export(graph, samples, dynamic_shapes=any_batch, strict=True)
            program = torch.onnx.export(
                source,
                () if strict else samples,
                input_names=[INPUT],
                output_names=[TEAM, MEMBERS],
                dynamic_shapes=None if strict else any_batch,
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except ImportError as error:
        raise RequestError(
            f"ONNX export needs {error.name}; install dropnet-ensemble[onnx]"
        ) from error
    except Exception as error:  # whatever a user's network, or the exporter, raises
        raise RequestError(f"the ensemble cannot be exported to ONNX: {_reason(error)}") from error
    if program is None:
        raise RequestError("the ensemble cannot be exported to ONNX: torch returned no program")
    return program.model_proto


def _reason(error: BaseException) -> str:
    """Return, in a line, what an exporter's error comes from."""
    while error.__cause__ is not None:
        error = error.__cause__
    text = " ".join(str(error).split())
    if missing := re.search(r"No ONNX function found for <OpOverload\(op='([\w.]+)'", text):
        return f"{missing[1]} has no ONNX form; use another operation in its place"
    return f"{type(error).__name__}: {text}"[:300]


def whole_team(about: Description) -> Description:
    """Return the description without a cascade: one graph always runs every member."""
    return replace(about, combination=replace(about.combination, cascade=None))


def graph_bytes(graph: onnx.ModelProto) -> bytes:
    """Return a graph as bytes, the same for the same graph."""
    data: bytes = graph.SerializeToString(deterministic=True)
    return data


def file_bytes(graph: bytes, about: Description, probe: Probe | None) -> bytes:
    """Return the file of a graph: its bytes, then the description that goes with it."""
    content = about.to_json() | {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "graph": {"bytes": len(graph), "sha256": sha256_of(graph)},
        "probe": None if probe is None else probe.to_json(),
    }
    return graph + metadata_entry(canonical_json(seal(content)))


def _bare(model: onnx.ModelProto) -> onnx.ModelProto:
    """Drop what only debugging reads: stack traces name files of this machine."""
    del model.metadata_props[:]
    del model.graph.metadata_props[:]
    model.graph.name, model.graph.doc_string = "ensemble", ""
    model.producer_version = ""
    del model.graph.value_info[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]
    return model


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Silence the exporter, which prints its progress and warns of its own deprecations."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
