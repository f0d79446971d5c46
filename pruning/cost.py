"""What a network costs per sample, counted on the network as it stands."""

from __future__ import annotations

import warnings
import weakref
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, flop_registry

_FREE = {
    "max_pool2d_with_indices", "avg_pool2d", "_adaptive_avg_pool2d", "adaptive_avg_pool2d",
    "native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
    "cudnn_batch_norm", "native_layer_norm", "native_group_norm", "cat", "mean", "sum",
    "constant_pad_nd", "clone", "_to_copy", "copy_", "empty", "zeros", "ones", "full",
    "_unsafe_view", "channel_shuffle", "_softmax", "_log_softmax", "index", "native_dropout",
    "lift_fresh", "empty_like", "arange",
}  # fmt: skip


class UncountedOperationWarning(UserWarning):
    """An operation ran whose FLOPs are not in the count."""


@dataclass(frozen=True)
class Cost:
    """Cost per sample; add costs to get a team's.

    Attributes
    ----------
    flops
        Convolutions and matrix products, 1 multiply-accumulate = 2 FLOPs. Pointwise
        operations, pooling and norms are excluded.
    params
        Number of parameters.
    bytes
        Parameters and buffers as stored.
    peak_activation_bytes
        Most bytes of intermediate values alive at once, batch 1, input included.

    >>> Cost(2, 1, 4, 8) + Cost(3, 1, 4, 6)
    Cost(flops=5, params=2, bytes=8, peak_activation_bytes=8)
    """

    flops: int
    params: int
    bytes: int
    peak_activation_bytes: int

    def __add__(self, other: Cost) -> Cost:
        """Sum of two members run one after the other: activations are not held together."""
        return Cost(
            self.flops + other.flops,
            self.params + other.params,
            self.bytes + other.bytes,
            max(self.peak_activation_bytes, other.peak_activation_bytes),
        )


def count_cost(network: nn.Module, input_shape: tuple[int, ...]) -> Cost:
    """Return the cost of one sample of `input_shape`, counted while one passes through.

    Warns
    -----
    UncountedOperationWarning
        If an operation runs that is neither counted nor known to be excluded.

    >>> count_cost(nn.Linear(3, 2), (3,))
    Cost(flops=12, params=8, bytes=32, peak_activation_bytes=20)
    """
    stored = [*network.parameters(), *network.buffers()]
    device = stored[0].device if stored else torch.device("cpu")
    sample = torch.zeros(1, *input_shape, device=device)
    was_training = network.training
    watch = _Watch(stored, sample)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter, watch:
        network.eval()(sample)
    network.train(was_training)
    for name in sorted(watch.uncounted):
        warnings.warn(
            f"operation {name!r} is not in the FLOP count", UncountedOperationWarning, stacklevel=2
        )
    return Cost(
        flops=int(counter.get_total_flops()),
        params=sum(p.numel() for p in network.parameters()),
        bytes=sum(t.numel() * t.element_size() for t in stored),
        peak_activation_bytes=watch.peak,
    )


class _Watch(TorchDispatchMode):
    """Counts live activation bytes and remembers operations nobody counts."""

    def __init__(self, stored: list[Tensor], sample: Tensor) -> None:
        super().__init__()
        self.uncounted: set[str] = set()
        self._weights = {t.untyped_storage().data_ptr() for t in stored}
        self._views: dict[int, int] = {}
        self.alive = self.peak = 0
        self._enter(sample)

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        """Run the operation and look at what it made."""
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, Tensor):
                self._enter(tensor)
        packet = func._overloadpacket
        known = packet in flop_registry or packet.__name__ in _FREE
        if not (known or func.is_view or torch.Tag.pointwise in func.tags):
            self.uncounted.add(packet.__name__)
        return out

    def _enter(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        address, size = storage.data_ptr(), storage.nbytes()
        if address in self._weights or size == 0:
            return
        self._views[address] = self._views.get(address, 0) + 1
        if self._views[address] == 1:
            self.alive += size
            self.peak = max(self.peak, self.alive)
        weakref.finalize(tensor, self._leave, address, size)

    def _leave(self, address: int, size: int) -> None:
        self._views[address] -= 1
        if self._views[address] == 0:
            del self._views[address]
            self.alive -= size
