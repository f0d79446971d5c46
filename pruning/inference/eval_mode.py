"""A network in eval mode for a while, and then as it was, module by module."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


@contextmanager
def eval_mode(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the network in eval mode; each module's own mode comes back afterwards.

    >>> from torch import nn
    >>> network = nn.Sequential(nn.Dropout(), nn.BatchNorm1d(3).eval())
    >>> with eval_mode(network):
    ...     [module.training for module in network]
    [False, False]
    >>> [module.training for module in network]
    [True, False]
    """
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield network
    finally:
        for module, training in modes:
            module.training = training
