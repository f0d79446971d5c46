"""`fractions`: how much may go at once (figures 18 to 20)."""

import dataclasses

from pipelines.reproduction.claim import Claim, Figure
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.dropnet_curve import PAPER, TAN_MOTANI, DropNetCurve

_CURVES = tuple(
    DropNetCurve(p, p, dataclasses.replace(PAPER, metric="minimum", fraction=float(p)))
    for p in ("0.2", "0.3", "0.4", "0.5", "0.9")
)

CLAIMS.register("fractions")(
    Claim(
        "Dropping up to half of the units at a time does as well as dropping a fifth",
        TAN_MOTANI + ", figures 18 to 20",
        (
            Figure("mlp-20-20", "FC20, FC20 on MNIST", "figure 18", "mlp-a:20-20", "mnist",
                   _CURVES, 15),
            Figure("conv-64-64", "C64, C64 on MNIST", "figure 19", "conv-b", "mnist", _CURVES),
            Figure("conv-64-64-128-128", "C64, C64, C128, C128 on CIFAR-10", "figure 20",
                   "conv-c4", "cifar10", _CURVES),
        ),
        (("0.2", "0.3"), ("0.2", "0.4"), ("0.2", "0.5"), ("0.2", "0.9")),
    )
)  # fmt: skip
