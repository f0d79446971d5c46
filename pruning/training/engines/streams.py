"""Networks of any kind on one CUDA device, each on a stream of its own, steps as graphs.

A small network's step is a hundred short kernels: launched one by one they leave the device
idle, and one network's do not fill it. Each member's whole step, from the indices of its
batch to the optimizer, is captured once a round and replayed; the members' replays run side
by side. Products read bfloat16, weights and loss stay float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pruning.networks.weights import load_weights, tensors_of
from pruning.training.device_data import DeviceData
from pruning.training.engines.engine import ENGINES
from pruning.training.engines.loop import Trainee
from pruning.training.engines.loop_bf16 import LoopBf16
from pruning.training.recipe import Recipe

_WARM_UP = 3  # passes before a capture, as PyTorch asks for


@ENGINES.register("streams")
class Streams(LoopBf16):
    """G networks of any kind on CUDA; they are trained in place."""

    summary = "each network a CUDA stream, its step a captured graph, products in bfloat16"

    def __init__(self, networks: Sequence[nn.Module], data: DeviceData, recipe: Recipe) -> None:
        super().__init__(networks, data, recipe)
        self._captured = [_Captured(member, data.train_images.device) for member in self.members]

    @classmethod
    def obstacle(cls, network: nn.Module, device: str) -> str | None:
        """Return what is missing of a CUDA device with units for bfloat16."""
        return super().obstacle(network, device) if device == "cuda" else "needs `device` 'cuda'"

    @classmethod
    def auto_rank(cls, network: nn.Module, device: str) -> int | None:
        """Return None: it is taken only when asked for."""
        return None

    @classmethod
    def group_size(cls, device: str) -> int:
        """Return 20: side by side, so many small networks fill a GPU."""
        return 20

    def epoch(
        self, orders: Tensor, rates: Sequence[float], changes: Tensor | None = None
    ) -> list[float]:
        """Train one epoch, a step of each member in turn; return each member's mean loss."""
        batch = self.members[0].batch_of(orders.shape[1])
        for captured in self._captured:
            captured.begin(batch, 0 if changes is None else changes.shape[2])
        for rate, part in zip(rates, self.members[0].batches(orders.shape[1]), strict=False):
            for row, captured in enumerate(self._captured):
                drawn = None if changes is None else changes[row, part]
                captured.step(orders[row, part], rate, drawn)
        totals = torch.stack([captured.end() for captured in self._captured])
        return (totals / orders.shape[1]).tolist()

    def narrow(self, rows: list[int]) -> None:
        """Go on with these members only."""
        super().narrow(rows)
        self._captured = [self._captured[row] for row in rows]


class _Captured:
    """A member's stream, the graph of its step, and what the graph reads and writes."""

    def __init__(self, member: Trainee, device: torch.device) -> None:
        self._member, self._device = member, device
        self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        self._rate = torch.zeros((), device=device)
        self._total = torch.zeros((), dtype=torch.float64, device=device)
        self._index = torch.empty(0, dtype=torch.int64, device=device)
        self._changes: Tensor | None = None
        self._graph: torch.cuda.CUDAGraph | None = None

    def begin(self, batch: int, changes: int) -> None:
        """Make ready for an epoch with so many numbers per sample for its augmentation."""
        self._stream.wait_stream(torch.cuda.current_stream(self._device))
        self._member.network.train()
        with torch.cuda.stream(self._stream):
            self._total.zero_()
            if self._graph is None:
                self._capture(batch, changes)

    def step(self, index: Tensor, rate: float, changes: Tensor | None) -> None:
        """Take one step; a last, smaller batch is taken without the graph."""
        with torch.cuda.stream(self._stream):
            self._rate.fill_(rate)
            if self._graph is not None and len(index) == len(self._index):
                self._index.copy_(index)
                if self._changes is not None and changes is not None:
                    self._changes.copy_(changes)
                self._graph.replay()
            else:
                self._total += self._member.step(index, self._rate, changes) * len(index)

    def end(self) -> Tensor:
        """Return the epoch's summed loss, ready on the current stream."""
        torch.cuda.current_stream(self._device).wait_stream(self._stream)
        return self._total

    def _capture(self, batch: int, changes: int) -> None:
        """Record a step; the passes before it leave weights, buffers and optimizer as they were."""
        network = self._member.network
        self._index = torch.zeros(batch, dtype=torch.int64, device=self._device)
        self._changes = self._index.new_zeros(batch, changes) if changes else None
        before = {key: value.clone() for key, value in tensors_of(network).items()}
        optimizer = self._member.optimizer
        self._member.optimizer = _Still()
        for _ in range(_WARM_UP):
            self._member.step(self._index, self._rate, self._changes)
        load_weights(network, before)
        self._member.optimizer = optimizer
        network.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=self._stream):
            self._total += self._member.step(self._index, self._rate, self._changes) * batch
        self._graph = graph


class _Still:
    """An optimizer that does not move."""

    def step(self, rate: float | Tensor) -> None:
        """Do nothing."""

    def cut_to(
        self, parameters: Sequence[Tensor], decayed: Sequence[Tensor], cut: object
    ) -> _Still:
        """Return itself."""
        return self
