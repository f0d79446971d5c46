"""`fractions`: how much may go at once (figures 18 to 20)."""

import dataclasses

from pipelines.reproduction.claim import Claim
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.dropnet_curve import (
    PAPER,
    TAN_MOTANI,
    DropNetCurve,
    of_three_networks,
    shuffled,
)

_CURVES = tuple(
    DropNetCurve(p, p, dataclasses.replace(PAPER, metric="minimum", fraction=float(p)))
    for p in ("0.2", "0.3", "0.4", "0.5", "0.9")
)

SHUFFLED = tuple(shuffled(curve) for curve in _CURVES if curve.name in ("0.2", "0.4", "0.5"))
"""Of those that our runs differ from, as published."""

_MLP, *_CONVOLUTIONS = of_three_networks(18, _CURVES)

CLAIMS.register("fractions")(
    Claim(
        "Dropping fewer units at a time keeps accuracy longer, and up to half does nearly as well",
        TAN_MOTANI + ", figures 18 to 20",
        (dataclasses.replace(_MLP, curves=(*_CURVES, *SHUFFLED)), *_CONVOLUTIONS),
        (("0.2", "0.3"), ("0.2", "0.4"), ("0.2", "0.5"), ("0.2", "0.9")),
    )
)  # fmt: skip
