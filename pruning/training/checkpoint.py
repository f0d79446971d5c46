"""A training between two epochs, as a value: what it goes on from where it was stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from pruning.networks.weights import tensors_of
from pruning.training.beside_tensors import changed_beside_tensors
from pruning.training.engines.engine import Engine
from pruning.training.trained import Trained


@dataclass(frozen=True, eq=False)
class TrainingState:
    """All that the epochs to come of a population's training hang on.

    Attributes
    ----------
    epoch
        The recipe's epoch that comes next.
    rows
        The members that still train, in order; none where all have ended.
    results
        Of every member, so far.
    orders
        For every member, the state of the generator that draws the order of its samples.
    engine
        What `Engine.state` gave: weights, buffers and the optimizer's tensors.
    """

    epoch: int
    rows: tuple[int, ...]
    results: Sequence[Trained]
    orders: Sequence[Tensor] = ()
    engine: Sequence[Tensor] = ()

    def __post_init__(self) -> None:
        if list(self.rows) != sorted(set(self.rows) & set(range(len(self.results)))):
            raise ValueError(f"rows {self.rows}: allowed are some of {len(self.results)}, in order")

    def of(self, networks: Sequence[nn.Module], epochs: range) -> bool:
        """Whether it can be the state of these networks' training, through these epochs."""
        own = [_shapes(tensors_of(network)) for network in networks]
        return (
            epochs.start < self.epoch <= epochs.stop
            and len(self.results) == len(networks)
            and all(
                _shapes(result.weights) == wanted
                for result, wanted in zip(self.results, own, strict=True)
            )
        )

    def resume(self, engine: Engine, generators: Sequence[torch.Generator]) -> bool:
        """Bring an engine that has just begun, and the generators, to where they were.

        False where the state is none of this engine's: its networks are spoiled then.
        """
        if not self.rows:
            return True
        if len(self.rows) < len(self.results):
            engine.narrow(list(self.rows))
        own = engine.state()
        orders = [generator.get_state() for generator in generators]
        if own is None or not (_alike(own, self.engine) and _alike(orders, self.orders)):
            return False
        with torch.no_grad():
            for mine, kept in zip(own, self.engine, strict=True):
                if not torch.equal(mine, kept):  # a constant may be a view that takes no values
                    mine.copy_(kept)
        for generator, order in zip(generators, self.orders, strict=True):
            generator.set_state(order)
        return True


class Checkpoints(Protocol):
    """Where states of trainings are kept, each under the name of its training."""

    def kept(self, name: str) -> TrainingState | None:
        """Return what a training of this name goes on from; None: it begins."""

    def offer(self, name: str, state: Callable[[], TrainingState | None]) -> None:
        """Keep a training's state between two epochs, if it is time to; None cannot be kept."""

    def finished(self, name: str, state: TrainingState) -> None:
        """Keep what a training has come to, which would have to be trained anew, if it was long."""


def state_of(
    epoch: int,
    rows: Sequence[int],
    results: Sequence[Trained],
    engine: Engine,
    networks: Sequence[nn.Module],
    generators: Sequence[torch.Generator],
) -> TrainingState | None:
    """Return the state before an epoch; None where not all that it hangs on is known.

    Parameters
    ----------
    epoch
        That comes next.
    rows
        The members that still train, which the engine holds; none at the end.
    results, networks, generators
        Of all members: the networks as they began, which the engine has copied.
    engine
        Between two epochs.
    """
    if not rows:
        return TrainingState(epoch, (), results)
    tensors = engine.state()
    trained = zip(engine.networks(), (networks[row] for row in rows), strict=False)
    if tensors is None or any(changed_beside_tensors(network, began) for network, began in trained):
        return None
    orders = [generator.get_state() for generator in generators]
    return TrainingState(epoch, tuple(rows), results, orders, tensors)


def _shapes(tensors: dict[str, Tensor]) -> dict[str, tuple[torch.Size, torch.dtype]]:
    return {name: (tensor.shape, tensor.dtype) for name, tensor in tensors.items()}


def _alike(own: Sequence[Tensor], kept: Sequence[Tensor]) -> bool:
    return [(t.shape, t.dtype) for t in own] == [(t.shape, t.dtype) for t in kept]
