"""`random-init`: pruned networks from first and from fresh weights (figures 15 to 17)."""

import dataclasses

from pipelines.reproduction.claim import Claim, Figure
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.dropnet_curve import PAPER, TAN_MOTANI, DropNetCurve

_MINIMUM = dataclasses.replace(PAPER, metric="minimum")
_CURVES = (
    DropNetCurve("minimum", "minimum", _MINIMUM),
    DropNetCurve("redrawn", "redrawn", _MINIMUM, "redrawn"),
)

CLAIMS.register("random-init")(
    Claim(
        "What a pruned network starts from hardly matters: fresh weights do as well",
        TAN_MOTANI + ", figures 15 to 17",
        (
            Figure("mlp-20-20", "FC20, FC20 on MNIST", "figure 15", "mlp-a:20-20", "mnist",
                   _CURVES, 15),
            Figure("conv-64-64", "C64, C64 on MNIST", "figure 16", "conv-b", "mnist", _CURVES),
            Figure("conv-64-64-128-128", "C64, C64, C128, C128 on CIFAR-10", "figure 17",
                   "conv-c4", "cifar10", _CURVES),
        ),
        (("minimum", "redrawn"),),
    )
)  # fmt: skip
