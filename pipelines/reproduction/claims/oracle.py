"""`oracle`: the least active units against a greedy oracle, a unit at a time (figures 13, 14)."""

import dataclasses

from pipelines.reproduction.claim import Claim, Figure
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.dropnet_curve import PAPER, TAN_MOTANI, DropNetCurve

ONE_AT_A_TIME = dataclasses.replace(PAPER, fraction=0.01)

_CURVES = tuple(
    DropNetCurve(metric, metric, dataclasses.replace(ONE_AT_A_TIME, metric=metric))
    for metric in ("oracle", "minimum", "random_layer", "maximum")
)

CLAIMS.register("oracle")(
    Claim(
        "Dropping the least active units does nearly as well as a greedy oracle",
        TAN_MOTANI + ", figures 13 and 14",
        (
            Figure("mlp-20-20", "FC20, FC20 on MNIST", "figure 13", "mlp-a:20-20", "mnist",
                   _CURVES),
            Figure("conv-20-20", "C20, C20 on MNIST", "figure 14", "conv-b:20-20", "mnist",
                   _CURVES),
        ),
        (("oracle", "minimum"), ("minimum", "random_layer"), ("random_layer", "maximum")),
    )
)  # fmt: skip
