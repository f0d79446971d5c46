"""VGG11, 13, 16 and 19 for 32×32 images (Simonyan & Zisserman 2015).

As VGG19 stands in the published code of Tan & Motani 2020: the last convolution of each
block is convolution, ReLU, batch norm, pool; a dense layer of 256 that is never pruned.
"""

from __future__ import annotations

import functools
from collections import OrderedDict

from torch import nn

from pruning.core.errors import RequestError
from pruning.networks.architecture import NETWORKS, checked_widths, glorot_

CONVOLUTIONS: dict[str, tuple[int, ...]] = {
    "vgg11": (1, 1, 2, 2, 2),
    "vgg13": (2, 2, 2, 2, 2),
    "vgg16": (2, 2, 3, 3, 3),
    "vgg19": (2, 2, 4, 4, 4),
}


def vgg(
    num_classes: int,
    input_shape: tuple[int, ...],
    widths: tuple[int, ...] = (64, 128, 256, 512, 512, 256),
    *,
    name: str,
) -> nn.Module:
    """Return five blocks, each ended by a pool, FC256, FC; `widths` of the blocks and FC."""
    if len(input_shape) != 3 or min(input_shape[1:]) < 32:
        raise RequestError(
            f"{name} needs images of at least 32×32, got samples of shape {input_shape}; "
            "choose another architecture, or larger images"
        )
    *blocks, dense = checked_widths(name, widths, 6)
    channels, height, width = input_shape
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (filters, count) in enumerate(zip(blocks, CONVOLUTIONS[name], strict=True), start=1):
        for j in range(1, count + 1):
            layers[f"conv{i}_{j}"] = nn.Conv2d(channels, filters, 3, padding=1)
            layers[f"relu{i}_{j}"] = nn.ReLU()
            channels = filters
        layers[f"norm{i}"] = nn.BatchNorm2d(filters)
        layers[f"pool{i}"] = nn.MaxPool2d(2)
        height, width = height // 2, width // 2
    layers["flatten"] = nn.Flatten()
    layers["fc"] = nn.Linear(channels * height * width, dense)
    layers["relu_fc"] = nn.ReLU()
    layers["output"] = nn.Linear(dense, num_classes)
    network = glorot_(nn.Sequential(layers))
    network.kept_whole = ("fc",)  # type: ignore[assignment]
    return network


NETWORKS.register("vgg11")(functools.partial(vgg, name="vgg11"))
NETWORKS.register("vgg13")(functools.partial(vgg, name="vgg13"))
NETWORKS.register("vgg16")(functools.partial(vgg, name="vgg16"))
NETWORKS.register("vgg19")(functools.partial(vgg, name="vgg19"))
