"""VGG16 with batch norm for 32×32 images (Simonyan & Zisserman 2015, Ioffe & Szegedy 2015)."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from pruning.core.errors import RequestError
from pruning.networks.architecture import NETWORKS, checked_widths, he_
from pruning.networks.vgg import CONVOLUTIONS


@NETWORKS.register("vgg16-bn")
def vgg16_bn(
    num_classes: int,
    input_shape: tuple[int, ...],
    widths: tuple[int, ...] = (64, 128, 256, 512, 512),
) -> nn.Module:
    """Return five blocks of convolution, batch norm, ReLU, each ended by a pool, and FC.

    13 convolutions and, on 32×32 images, 14.7 million parameters: one dense layer in place of
    ImageNet's three. Convolutions have no bias, as the norm after them subtracts the mean.
    """
    if len(input_shape) != 3 or min(input_shape[1:]) < 32:
        raise RequestError(
            f"vgg16-bn needs images of at least 32×32, got samples of shape {input_shape}; "
            "choose another architecture, or larger images"
        )
    blocks = checked_widths("vgg16-bn", widths, 5)
    channels, height, width = input_shape
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (filters, count) in enumerate(zip(blocks, CONVOLUTIONS["vgg16"], strict=True), start=1):
        for j in range(1, count + 1):
            layers[f"conv{i}_{j}"] = nn.Conv2d(channels, filters, 3, padding=1, bias=False)
            layers[f"norm{i}_{j}"] = nn.BatchNorm2d(filters)
            layers[f"relu{i}_{j}"] = nn.ReLU()
            channels = filters
        layers[f"pool{i}"] = nn.MaxPool2d(2)
        height, width = height // 2, width // 2
    layers["flatten"] = nn.Flatten()
    layers["output"] = nn.Linear(channels * height * width, num_classes)
    return he_(nn.Sequential(layers))
