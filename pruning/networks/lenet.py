"""The LeNet of data-free pruning: Caffe's (Srinivas & Babu 2015, section 4.2)."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from pruning.core.errors import RequestError
from pruning.networks.architecture import NETWORKS, checked_widths, glorot_


@NETWORKS.register("lenet")
def lenet(
    num_classes: int, input_shape: tuple[int, ...], widths: tuple[int, ...] = (20, 50, 500)
) -> nn.Module:
    """Return C20, pool, C50, pool, FC500 with ReLU, FC``num_classes``.

    5×5 convolutions without padding and, as in Caffe's LeNet, without activation.
    """
    if len(input_shape) != 3 or min(input_shape[1:]) < 16:
        raise RequestError(
            f"lenet needs images of at least 16×16, got samples of shape {input_shape}; "
            "choose another architecture, or larger images"
        )
    first, second, dense = checked_widths("lenet", widths, 3)
    height, width = (((side - 4) // 2 - 4) // 2 for side in input_shape[1:])
    layers = OrderedDict[str, nn.Module](
        conv1=nn.Conv2d(input_shape[0], first, 5),
        pool1=nn.MaxPool2d(2),
        conv2=nn.Conv2d(first, second, 5),
        pool2=nn.MaxPool2d(2),
        flatten=nn.Flatten(),
        fc=nn.Linear(second * height * width, dense),
        relu=nn.ReLU(),
        output=nn.Linear(dense, num_classes),
    )
    return glorot_(nn.Sequential(layers))
