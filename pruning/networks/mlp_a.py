"""Model A: two fully connected layers of 40 (Tan & Motani 2020, section 5)."""

from __future__ import annotations

import math
from collections import OrderedDict

from torch import nn

from pruning.networks.architecture import NETWORKS, glorot_


@NETWORKS.register("mlp-a")
def mlp_a(
    num_classes: int, input_shape: tuple[int, ...], widths: tuple[int, ...] = (40, 40)
) -> nn.Module:
    """Return FC40–FC40–FC``num_classes`` with ReLU; any number of hidden `widths`."""
    layers: OrderedDict[str, nn.Module] = OrderedDict(flatten=nn.Flatten())
    fan_in = math.prod(input_shape)
    for i, width in enumerate(widths, start=1):
        layers[f"fc{i}"] = nn.Linear(fan_in, width)
        layers[f"relu{i}"] = nn.ReLU()
        fan_in = width
    layers["output"] = nn.Linear(fan_in, num_classes)
    return glorot_(nn.Sequential(layers))
