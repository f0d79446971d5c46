"""What a network costs per sample: FLOPs, parameters, bytes, counted on the network as it stands.

`Cost` needs no torch, so that an exported ensemble can say what it costs without it.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


class UncountedOperationWarning(UserWarning):
    """An operation ran whose FLOPs are not in the count."""


@dataclass(frozen=True)
class Cost:
    """Cost per sample of one network, or of a team whose members run one after another.

    The numbers of one network and of one team are whole; those of a mean, a share or a cascade
    need not be.

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
        Most bytes of intermediate values alive at once, batch 1, input included; a team's are
        those of the member that needs most.

    >>> Cost(2, 1, 4, 8) + Cost(3, 1, 4, 6)
    Cost(flops=5, params=2, bytes=8, peak_activation_bytes=8)
    """

    flops: float
    params: float
    bytes: float
    peak_activation_bytes: float

    def __add__(self, other: Cost) -> Cost:
        """Sum of two members run one after the other: activations are not held together."""
        return Cost(
            self.flops + other.flops,
            self.params + other.params,
            self.bytes + other.bytes,
            max(self.peak_activation_bytes, other.peak_activation_bytes),
        )

    @classmethod
    def total(cls, costs: Iterable[Cost]) -> Cost:
        """Return what a team of these, at least one, costs."""
        return reduce(add, costs)

    @classmethod
    def mean(cls, costs: Iterable[Cost]) -> Cost:
        """Return the mean of the costs of several networks or teams.

        >>> Cost.mean([Cost(2, 1, 4, 8), Cost(3, 1, 4, 6)])
        Cost(flops=2.5, params=1.0, bytes=4.0, peak_activation_bytes=7.0)
        """
        columns = list(zip(*map(astuple, costs), strict=True))
        return cls(*(sum(column) / len(column) for column in columns))

    def share_of(self, whole: Cost) -> Cost:
        """Return this cost as shares of another's; a cost of 0 there counts as 1.

        >>> Cost(2, 1, 4, 8).share_of(Cost(4, 4, 4, 4))
        Cost(flops=0.5, params=0.25, bytes=1.0, peak_activation_bytes=2.0)
        """
        pairs = zip(astuple(self), astuple(whole), strict=True)
        return Cost(*(part / (of or 1) for part, of in pairs))


def count_cost(network: nn.Module, input_shape: tuple[int, ...]) -> Cost:
    """Return the cost of one sample of `input_shape`, counted while one passes through.

    The network is left as it is.

    Warns
    -----
    UncountedOperationWarning
        If an operation runs that is neither counted nor known to be excluded.

    >>> from torch import nn
    >>> count_cost(nn.Linear(3, 2), (3,))
    Cost(flops=12, params=8, bytes=32, peak_activation_bytes=20)
    """
    import torch
    from torch.nn.attention import SDPBackend, sdpa_kernel

    from pruning.inference.eval_mode import eval_mode
    from pruning.inference.meter import ActivationMeter, FlopMeter

    stored = [*network.parameters(), *network.buffers()]
    device = stored[0].device if stored else torch.device("cpu")
    dtype = next((t.dtype for t in stored if t.is_floating_point()), torch.float32)
    counter = FlopMeter()
    fused = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)  # attention as matrix products
    try:
        # In inference mode operations would pass whole, before they are taken apart and counted.
        with torch.inference_mode(False), torch.no_grad(), sdpa_kernel(SDPBackend.MATH):
            sample = torch.zeros(1, *input_shape, dtype=dtype, device=device)
            meter = ActivationMeter(stored, sample)
            with eval_mode(network), counter, meter:
                network(sample)
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
    for name in sorted(meter.uncounted):
        warnings.warn(
            f"operation {name!r} is not in the FLOP count", UncountedOperationWarning, stacklevel=2
        )
    return Cost(
        flops=counter.flops,
        params=sum(p.numel() for p in network.parameters()),
        bytes=sum(t.numel() * t.element_size() for t in stored),
        peak_activation_bytes=meter.peak,
    )
