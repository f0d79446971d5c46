"""The ensemble as one torch module: scaling, members, vote and temperature inside."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ensemble.calibration import FLOOR
from ensemble.description import Description
from ensemble.member import EnsembleMember
from pruning.core.errors import RequestError
from selection.voting import VOTES, Vote

TorchVote = Callable[[Sequence[Tensor], Sequence[float]], Tensor]
"""(S members' (N, C), S weights summing to 1) → the team's (N, C)."""


class Graph(nn.Module):
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
