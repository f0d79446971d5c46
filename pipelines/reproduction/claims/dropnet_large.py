"""`dropnet-large`: ResNet18 and VGG19 on CIFAR-10, with APoZ (figures 11, 12, S21, S23)."""

import dataclasses

from pipelines.reproduction.claim import OURS_SUFFIX, Claim, Curve, Figure
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.dropnet_curve import (
    METRIC_PAIRS,
    METRICS,
    OURS,
    PAPER,
    TAN_MOTANI,
    DropNetCurve,
)

APOZ = ("apoz", "apoz_layer", "minimum", "minimum_layer")


def _curves(fraction: float, metrics: tuple[str, ...]) -> tuple[Curve, ...]:
    """Return the curves of networks whose summed layers have masks of their own, as published."""
    published = dataclasses.replace(PAPER, fraction=fraction, coupling="independent")
    ours = dataclasses.replace(OURS, fraction=fraction, coupling="independent")
    return tuple(
        DropNetCurve(
            metric + suffix, "" if suffix else metric, dataclasses.replace(settings, metric=metric)
        )
        for suffix, settings in (("", published), (OURS_SUFFIX, ours))
        for metric in metrics
    )


CLAIMS.register("dropnet-large")(
    Claim(
        "Dropping the least active filters within each layer keeps deep networks' accuracy longest",
        TAN_MOTANI + ", figures 11 and 12, supplement 21 and 23",
        (
            Figure("resnet18", "ResNet18 on CIFAR-10", "figure 11", "resnet18", "cifar10",
                   _curves(0.2, METRICS)),
            Figure("vgg19", "VGG19 on CIFAR-10", "figure 12", "vgg19", "cifar10",
                   _curves(0.2, METRICS)),
            Figure("resnet18-apoz", "ResNet18 on CIFAR-10, APoZ", "supplement, figure 21",
                   "resnet18", "cifar10", _curves(0.1, APOZ)),
            Figure("vgg19-apoz", "VGG19 on CIFAR-10, APoZ", "supplement, figure 23", "vgg19",
                   "cifar10", _curves(0.1, APOZ)),
        ),
        METRIC_PAIRS,
        card=True,
    )
)  # fmt: skip
