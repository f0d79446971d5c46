"""AlexNet for 32×32 images: its five convolutions, with kernels that fit."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from pruning.core.errors import RequestError
from pruning.networks.architecture import NETWORKS, checked_widths, glorot_

KERNELS = (5, 5, 3, 3, 3)
POOL_AFTER = (1, 2, 5)


@NETWORKS.register("alexnet")
def alexnet(
    num_classes: int,
    input_shape: tuple[int, ...],
    widths: tuple[int, ...] = (64, 192, 384, 256, 256, 1024, 1024),
) -> nn.Module:
    """Return C64 pool C192 pool C384 C256 C256 pool FC1024 FC1024 FC, dropout before each FC.

    The filters are those of Krizhevsky 2014 ("one weird trick"); the dense layers are a
    quarter as wide as there, for a quarter of the positions.
    """
    if len(input_shape) != 3 or min(input_shape[1:]) < 8:
        raise RequestError(
            f"alexnet needs images of at least 8×8, got samples of shape {input_shape}; "
            "choose another architecture, or larger images"
        )
    sizes = checked_widths("alexnet", widths, 7)
    channels, height, width = input_shape
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (filters, kernel) in enumerate(zip(sizes[:5], KERNELS, strict=True), start=1):
        layers[f"conv{i}"] = nn.Conv2d(channels, filters, kernel, padding=kernel // 2)
        layers[f"relu{i}"] = nn.ReLU()
        if i in POOL_AFTER:
            layers[f"pool{i}"] = nn.MaxPool2d(2)
            height, width = height // 2, width // 2
        channels = filters
    layers["flatten"] = nn.Flatten()
    features = channels * height * width
    for i, dense in enumerate(sizes[5:], start=1):
        layers[f"dropout{i}"] = nn.Dropout()
        layers[f"fc{i}"] = nn.Linear(features, dense)
        layers[f"relu_fc{i}"] = nn.ReLU()
        features = dense
    layers["output"] = nn.Linear(features, num_classes)
    return glorot_(nn.Sequential(layers))
