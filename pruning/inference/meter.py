"""FLOPs while a sample passes, bytes alive at once, and operations that the count leaves out.

Modes of torch's own, such as its `FlopCounterMode`, import its compiler when they are first
used, which takes two seconds of every process; those of here say that nothing compiles in them.
"""

from __future__ import annotations

import weakref
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

# Pooling, norms and what only moves or makes values: excluded from the count of FLOPs.
_EXCLUDED = {
    "max_pool2d_with_indices", "avg_pool2d", "_adaptive_avg_pool2d", "adaptive_avg_pool2d",
    "native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training",
    "cudnn_batch_norm", "native_layer_norm", "native_group_norm", "cat", "mean", "sum",
    "constant_pad_nd", "stack", "clone", "_to_copy", "copy_", "empty", "zeros", "ones", "full",
    "_unsafe_view", "channel_shuffle", "_softmax", "_safe_softmax", "_log_softmax",
    "index", "native_dropout", "lift_fresh", "hardswish", "hardswish_", "adaptive_max_pool2d",
    "_prelu_kernel", "as_strided_", "empty_like", "arange",
}  # fmt: skip


class PlainMode(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """A mode in which nothing is compiled: torch need not import its compiler to say so."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False


class FlopMeter(PlainMode):
    """Counts FLOPs by torch's own registry, as `torch.utils.flop_counter` does."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.flops = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation, taken apart where only its parts are counted."""
        kwargs = kwargs or {}
        count = flop_registry.get(func._overloadpacket)
        if count is None:
            with self:
                out = func.decompose(*args, **kwargs)
            if out is not NotImplemented:
                return out
        out = func(*args, **kwargs)
        if count is not None:
            self.flops += int(count(*args, **kwargs, out_val=out))
        return out


class ActivationMeter(PlainMode):
    """Counts the bytes of activations alive, and notes operations that are not counted."""

    def __init__(self, stored: list[Tensor], sample: Tensor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.uncounted: set[str] = set()
        self._weights = {t.untyped_storage().data_ptr() for t in stored}
        self._views: dict[int, int] = {}
        self.alive = self.peak = 0
        self._enter(sample)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run the operation and look at what it made."""
        out = func(*args, **(kwargs or {}))
        for tensor in out if isinstance(out, tuple | list) else (out,):
            if isinstance(tensor, Tensor):
                self._enter(tensor)
        packet = func._overloadpacket
        known = packet in flop_registry or packet.__name__ in _EXCLUDED
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
