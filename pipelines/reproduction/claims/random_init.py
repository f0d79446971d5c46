"""`random-init`: pruned networks from first and from fresh weights (figures 15 to 17)."""

import dataclasses

from pipelines.reproduction.claim import Claim
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.dropnet_curve import PAPER, TAN_MOTANI, DropNetCurve, of_three_networks

_MINIMUM = dataclasses.replace(PAPER, metric="minimum")
_CURVES = (
    DropNetCurve("minimum", "minimum", _MINIMUM),
    DropNetCurve("redrawn", "redrawn", _MINIMUM, "redrawn"),
)

CLAIMS.register("random-init")(
    Claim(
        "What a pruned network starts from hardly matters, and fresh weights do as well",
        TAN_MOTANI + ", figures 15 to 17",
        of_three_networks(15, _CURVES),
        (("minimum", "redrawn"),),
    )
)  # fmt: skip
