"""The whole ensemble as one ONNX file: scaling, members, vote and temperature inside.

The graph is made by torch's own exporter, so that any network that torch can export can be
a member. The file is the graph's bytes followed by one metadata entry, the sealed
description, which names the graph's length and checksum (see `ensemble.onnx.runtime`).
"""

from __future__ import annotations

import contextlib
import copy
import io
import logging
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from ensemble.calibration import FLOOR
from ensemble.description import Description
from ensemble.member import EnsembleMember
from ensemble.onnx.runtime import (
    FORMAT,
    FORMAT_VERSION,
    INPUT,
    MEMBERS,
    TEAM,
    metadata_entry,
    open_graph,
)
from ensemble.probe import Probe
from ensemble.storage.sealed import canonical_json, seal, sha256_of, write_bytes_atomic
from pruning.core.errors import RequestError
from selection.voting import VOTES, Vote

if TYPE_CHECKING:
    import onnx

OPSET = 18

TorchVote = Callable[[Sequence[Tensor], Sequence[float]], Tensor]
"""(S members' (N, C), S weights summing to 1) → the team's (N, C)."""


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
    graph = graph_bytes(to_onnx(members, about))
    if probe is not None:
        open_graph(graph, about, str(path)).check(probe, f"{path} was not written")
    write_bytes_atomic(path, file_bytes(graph, about, probe))


def to_onnx(members: Sequence[EnsembleMember], about: Description) -> onnx.ModelProto:
    """Return the ensemble's graph, without names of this machine and without metadata."""
    graph = _Graph(members, about)
    shape = (2, *about.input_shape)
    dtype = torch.uint8 if about.eight_bit else torch.float32
    try:
        with _quietly():
            program = torch.onnx.export(
                graph.eval(),
                (torch.zeros(shape, dtype=dtype),),
                input_names=[INPUT],
                output_names=[TEAM, MEMBERS],
                dynamic_shapes=({0: torch.export.Dim("N")},),
                opset_version=OPSET,
                dynamo=True,
                verbose=False,
            )
    except ImportError as error:
        raise RequestError(
            f"ONNX export needs {error.name}; install dropnet-ensemble[onnx]"
        ) from error
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise RequestError(f"the ensemble cannot be exported to ONNX: {reason}") from error
    if program is None:
        raise RequestError("the ensemble cannot be exported to ONNX: torch returned no program")
    return _bare(program.model_proto)


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


class _Graph(nn.Module):
    """The ensemble as one module: stored samples → the team's and the members' probabilities."""

    offset: Tensor
    scale: Tensor

    def __init__(self, members: Sequence[EnsembleMember], about: Description) -> None:
        super().__init__()
        how = about.combination
        self.networks = nn.ModuleList(copy.deepcopy(m.network).cpu() for m in members)
        self.vote, self.weights = vote_in_torch(how.voting), how.weights
        self.temperature = how.temperature
        trailing = (1,) * (len(about.input_shape) - 1)
        for name in ("offset", "scale"):
            values = torch.tensor(getattr(about.scaling, name)).reshape(-1, *trailing)
            self.register_buffer(name, values)

    def forward(self, samples: Tensor) -> tuple[Tensor, Tensor]:
        """Return (N, C) and (S, N, C)."""
        scaled = (samples.float() - self.offset) / self.scale
        members = [network(scaled).softmax(-1) for network in self.networks]
        team = self.vote(members, self.weights)
        if self.temperature != 1:
            team = (team.clamp(min=FLOOR).log() / self.temperature).softmax(-1)
        return team, torch.stack(members)


def _mean(members: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    total = members[0] * weights[0]
    for member, weight in zip(members[1:], weights[1:], strict=True):
        total = total + member * weight
    return total


def _shares(members: Sequence[Tensor]) -> Tensor:
    """Return each class's share of the votes; the first of equal maxima is the vote."""
    classes = torch.arange(members[0].shape[-1])
    ballots = [(m.argmax(-1, keepdim=True) == classes).float() for m in members]
    return _mean(ballots, _equal(members))


def _equal(members: Sequence[Tensor]) -> Sequence[float]:
    return [1 / len(members)] * len(members)


def _plurality(members: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    part = 1 / (2 * len(members))
    return (1 - part) * _shares(members) + part * _mean(members, _equal(members))


def _majority(members: Sequence[Tensor], weights: Sequence[float]) -> Tensor:
    shares = _shares(members)
    carried = 2 * shares.amax(-1, keepdim=True) > 1 + 1 / (2 * len(members))
    return torch.where(carried, shares, _mean(members, _equal(members)))


_COUNTS: dict[str, TorchVote] = {"plurality": _plurality, "majority": _majority}
"""Votes that are no weighted mean, in operations that ONNX has; a test holds them together."""


def vote_in_torch(voting: str) -> TorchVote:
    """Return a vote of `selection.voting` on tensors; one that weighs members is their mean.

    Raises
    ------
    RequestError
        If the vote makes something else of its members and has no form here.
    """
    if voting in _COUNTS:
        return _COUNTS[voting]
    if VOTES[voting].__call__ is Vote.__call__:
        return _mean
    raise RequestError(
        f"vote {voting!r} has no ONNX form; keep the ensemble as a folder, or choose another vote"
    )


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
