"""Averages of weights over the steps of a training, for networks without batch norms."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from pruning.training.engines.trainee import Trainee

DECAYS, TAILS = (0.98, 0.995), (0.5, 0.75, 0.9)


class Averaging:
    """Averages of trainees' weights, kept while they train.

    Parameters
    ----------
    members
        Whose steps are watched.
    steps
        How many they take.
    """

    def __init__(self, members: Sequence[Trainee], steps: int) -> None:
        self._members, self._steps = members, steps
        self._taken = [0] * len(members)
        self._means: list[dict[str, list[Tensor]]] = [{} for _ in members]
        for row, member in enumerate(members):
            member.descend = self._watched(row, member.descend)  # type: ignore[method-assign]

    def _watched(self, row: int, descend: Callable[..., Tensor]) -> Callable[..., Tensor]:
        def step(loss: Tensor, rate: float | Tensor) -> Tensor:
            value = descend(loss, rate)
            self._taken[row] += 1
            self._add(row, self._taken[row])
            return value

        return step

    def _add(self, row: int, taken: int) -> None:
        weights = [p.detach() for p in self._members[row].network.parameters()]
        shares = {f"decay {d}": 1 - min(d, (1 + taken) / (10 + taken)) for d in DECAYS}
        for tail in TAILS:
            if taken > (begun := int(tail * self._steps)):
                shares[f"from {tail} on"] = 1 / (taken - begun)
        for name, share in shares.items():
            mean = self._means[row].setdefault(name, [w.clone() for w in weights])
            torch._foreach_lerp_(mean, weights, share)

    def networks(self) -> Iterator[tuple[str, list[nn.Module]]]:
        """Yield each average's name, with its networks."""
        for name in self._means[0]:
            made = [copy.deepcopy(member.network).eval() for member in self._members]
            for network, means in zip(made, self._means, strict=True):
                for parameter, mean in zip(network.parameters(), means[name], strict=True):
                    parameter.data.copy_(mean)
            yield name, made
