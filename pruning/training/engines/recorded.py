"""One network on a lane of its own: samples laid out, step and validation recorded."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable, Iterator, Sequence

import torch
from torch import Tensor, nn

from pruning.networks.weights import load_weights, tensors_of
from pruning.training.engines.lane import REHEARSALS, EngineWarning, Lane, Work
from pruning.training.engines.trainee import Forward, Trainee
from pruning.training.perturbation import drawn_in

Program = Callable[[dict[str, Tensor], Tensor, Tensor, Tensor], Tensor]
"""Mean loss of a full batch by tensors of a network, samples held, their targets, the place."""

BLOCK_BYTES = 2**28
"""Network input that a member holds at a time."""
FETCHED = 4096
"""Samples that are fetched and changed at a time."""


class Recorded:
    """A network whose work is recorded on a lane and replayed.

    Parameters
    ----------
    trainee
        The network with its optimizer.
    rates
        (steps,) float32 on the device, (steps, 2) where the recipe has two: the epoch's rates,
        which are written before it begins.
    rehearsals
        Passes before work is recorded.
    """

    def __init__(self, trainee: Trainee, rates: Tensor, rehearsals: int = REHEARSALS) -> None:
        self.trainee, self._rates = trainee, rates
        data = trainee.data
        self.full = trainee.batch_of(len(data.train_labels))
        self.program: Program | None = None
        device = data.train_images.device
        self.lane = Lane(device, rehearsals)
        self._total = torch.zeros((), dtype=torch.float64, device=device)
        self._found = torch.zeros(2, dtype=torch.float64, device=device)
        self._at = torch.zeros(2, dtype=torch.int64, device=device)  # place held, steps taken
        self._ahead: dict[int, Tensor] = {}
        self._held = self._empty(data.train_images)
        sample = trainee.targets(torch.zeros(1, dtype=torch.int64, device=device))
        self._targets = sample.new_zeros(len(self._held), *sample.shape[1:])
        self._moves = self._at.new_zeros(len(self._held), 1) if trainee.moves else None
        self._steps: dict[int, Work] = {}
        self._validation: Work | None = None

    def _empty(self, images: Tensor) -> Tensor:
        """Return room for a block of network input, channels last where the network takes it so."""
        sample = self.trainee.inputs(torch.zeros(1, dtype=torch.int64, device=images.device))
        fitting = BLOCK_BYTES // (sample[0].numel() * sample.element_size())
        most = min(len(images), max(self.full + 1, fitting))
        if self.trainee.layout.channels_last and sample.ndim == 4:
            sample = sample.movedim(1, -1)
        return sample.new_empty(most, *sample.shape[1:])

    def runs(self, program: Program) -> bool:
        """Compile a program by calling it, forward and backward; whether that went well.

        Warns
        -----
        EngineWarning
            If it did not.
        """
        network = self.trainee.network
        before = {key: value.clone() for key, value in tensors_of(network).items()}
        self.hold(torch.arange(self.full, device=self._at.device), None)
        self.lane.end()
        network.train()
        try:
            loss = program(tensors_to_train(network), self._held, self._targets, self._at[:1])
            loss.backward()  # type: ignore[no-untyped-call]
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            said = f"going on with steps that are not compiled: {reason}"
            warnings.warn(said, EngineWarning, stacklevel=2)
            return False
        finally:
            network.zero_grad(set_to_none=True)
            load_weights(network, before)
        return True

    def blocks(self, batches: Sequence[slice]) -> Iterator[list[slice]]:
        """Yield an epoch's batches, as many at a time as can be held."""
        block: list[slice] = []
        for part in batches:
            if block and part.stop - block[0].start > len(self._held):
                yield block
                block = []
            block.append(part)
        yield block

    def begin(self) -> None:
        """Begin an epoch; its rates are written."""
        self.lane.begin()
        self.trainee.network.train()
        with self.lane.used():
            self._total.zero_()
            self._at.zero_()

    def hold(self, order: Tensor, changes: Tensor | None) -> None:
        """Lay out the training samples of (n,) int64, changed if told, in this order."""
        with self.lane.used():
            self._at[0].zero_()
            for start in range(0, len(order), FETCHED):
                part = slice(start, min(start + FETCHED, len(order)))
                drawn = None if changes is None else changes[part]
                as_inputs(self._held[part], self.trainee).copy_(
                    self.trainee.inputs(order[part], drawn)
                )
                self._targets[part].copy_(self.trainee.targets(order[part], drawn))
                if self._moves is not None:
                    self._moves[part, 0].copy_(drawn_in(drawn))

    def step(self, batch: int) -> None:
        """Take one step on the next samples held."""
        if batch not in self._steps:
            self._ahead[batch] = self._at.new_tensor([batch, 1])
            work = functools.partial(self._step, batch)
            self._steps[batch] = self.lane.recorded(work, self._unmoved(work))
        with self.lane.used():
            self._steps[batch]()

    def end(self) -> Tensor:
        """Return the epoch's summed loss, ready on the current stream."""
        self.lane.end()
        return self._total

    def validate(self) -> None:
        """Begin with the validation."""
        self.lane.begin()
        self.trainee.network.eval()
        if self._validation is None:
            self._validation = self.lane.recorded(self._validate, self._validate)
        with self.lane.used():
            self._validation()

    def validated(self) -> Tensor:
        """Return (2,) mean loss and accuracy, ready on the current stream."""
        self.lane.end()
        return self._found

    def _validate(self) -> None:
        self._found.copy_(self.trainee.validated())

    def _step(self, batch: int) -> None:
        place, taken = self._at[:1], self._at[1:]
        if self.program is not None and batch == self.full:
            loss = self.program(
                tensors_to_train(self.trainee.network), self._held, self._targets, place
            )
        else:
            loss = loss_of_held(
                self.trainee, self.trainee.network, self._held, self._targets, place, batch,
                self._moves,
            )  # fmt: skip
        rate = self._rates.index_select(0, taken)[0]
        self._total.add_(self.trainee.descend(loss, rate), alpha=batch)
        self._at += self._ahead[batch]

    def _unmoved(self, work: Work) -> Callable[[], None]:
        """Return the work of a step that leaves weights, buffers and optimizer as they were."""

        def rehearse() -> None:
            network, optimizer = self.trainee.network, self.trainee.optimizer
            before = {key: value.clone() for key, value in tensors_of(network).items()}
            counts = [(count, count.clone()) for count in (self._total, self._at)]
            self.trainee.optimizer = _Still()
            work()
            self.trainee.optimizer = optimizer
            load_weights(network, before)
            for count, value in counts:
                count.copy_(value)
            network.zero_grad(set_to_none=True)

        return rehearse


def loss_of_held(
    trainee: Trainee,
    forward: Forward,
    held: Tensor,
    targets: Tensor,
    place: Tensor,
    batch: int,
    moves: Tensor | None = None,
) -> Tensor:
    """Return the mean loss of so many samples from a (1,) int64 place on of those held."""
    rows = torch.arange(batch, device=place.device) + place
    inputs = as_inputs(held.index_select(0, rows), trainee)
    drawn = None if moves is None else moves.index_select(0, rows)
    return trainee.loss(forward, inputs, targets.index_select(0, rows), drawn)


def as_inputs(held: Tensor, trainee: Trainee) -> Tensor:
    """Return a part of what is held in the order of axes that the network reads."""
    return held.movedim(-1, 1) if trainee.layout.channels_last and held.ndim == 4 else held


def tensors_to_train(network: nn.Module) -> dict[str, Tensor]:
    """Return a network's parameters and buffers by name."""
    return dict(network.named_parameters()) | dict(network.named_buffers())


class _Still:
    """An optimizer that does not move."""

    def step(self, rate: object) -> None:
        """Do nothing."""

    def state(self) -> list[Tensor]:
        """Return nothing."""
        return []
