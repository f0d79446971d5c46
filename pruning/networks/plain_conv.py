"""Plain convolutional stacks: 3×3 'same' convolutions, ReLU, 2×2 pools, a dense head.

The networks of Tan & Motani 2020 (models B and C) differ only in where they pool.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence

from torch import nn

from pruning.core.errors import RequestError
from pruning.networks.architecture import glorot_


def plain_conv(
    name: str,
    num_classes: int,
    input_shape: tuple[int, ...],
    *,
    filters: Sequence[int],
    pool_after: frozenset[int],
    dense: int | None,
) -> nn.Module:
    """Return the stack.

    Parameters
    ----------
    name
        The architecture's name, for error messages.
    num_classes, input_shape
        Number of logits; (C, H, W).
    filters
        Filters of each convolution.
    pool_after
        The convolutions, counted from 1, that a 2×2 max pool follows.
    dense
        Width of a fully connected layer before the output, which is never pruned.
    """
    smallest = 2 ** len(pool_after)
    if len(input_shape) != 3 or min(input_shape[1:]) < smallest:
        raise RequestError(
            f"{name} needs images of at least {smallest}×{smallest}, "
            f"got samples of shape {input_shape}; choose another architecture, or larger images"
        )
    channels, height, width = input_shape
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, count in enumerate(filters, start=1):
        layers[f"conv{i}"] = nn.Conv2d(channels, count, 3, padding=1)
        layers[f"relu{i}"] = nn.ReLU()
        if i in pool_after:
            layers[f"pool{i}"] = nn.MaxPool2d(2)
            height, width = height // 2, width // 2
        channels = count
    layers["flatten"] = nn.Flatten()
    features = channels * height * width
    if dense is not None:
        layers["fc"] = nn.Linear(features, dense)
        layers["relu_fc"] = nn.ReLU()
        features = dense
    layers["output"] = nn.Linear(features, num_classes)
    network = glorot_(nn.Sequential(layers))
    network.kept_whole = () if dense is None else ("fc",)  # type: ignore[assignment]
    return network
