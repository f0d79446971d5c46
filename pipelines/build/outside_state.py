"""What two networks of the same weights still hold otherwise: what their state dict leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn


def outside_state(one: nn.Module, other: nn.Module) -> list[str]:
    """Return the names of tensors and layers beside the state dict that are not equal.

    >>> class Net(nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.order, self.width = torch.randperm(100), torch.tensor(3)
    >>> outside_state(Net(), Net())
    ['order']
    """
    left, right = dict(_beside(one)), dict(_beside(other))
    return [
        name for name, value in left.items()
        if name not in right or not _equal(value, right[name])
    ]  # fmt: skip


def _beside(network: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """Yield tensors that a network holds and does not store."""
    stored = network.state_dict().keys()
    yield from ((name, value) for name, value in network.named_buffers() if name not in stored)
    for prefix, module in network.named_modules():
        for name, value in vars(module).items():
            if not name.startswith("_"):
                for where, tensor in _inside(value):
                    yield f"{prefix}.{name}{where}".lstrip("."), tensor


def _inside(value: object) -> Iterator[tuple[str, Tensor]]:
    """Yield the tensors of a plain attribute: itself, those of a list, a dict, layers in it."""
    if isinstance(value, Tensor):
        yield "", value
    elif isinstance(value, nn.Module):
        yield from ((f".{name}", tensor) for name, tensor in value.state_dict().items())
    elif isinstance(value, Mapping):
        yield from ((f"[{k!r}]{w}", t) for k, v in value.items() for w, t in _inside(v))
    elif isinstance(value, list | tuple):
        yield from ((f"[{i}]{w}", t) for i, v in enumerate(value) for w, t in _inside(v))


def _equal(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and torch.equal(a, b)
