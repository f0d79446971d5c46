"""`dropnet-mlp`: two fully connected layers on MNIST, six metrics (figures 3 to 5)."""

from pipelines.reproduction.claim import Claim, Figure
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.dropnet_curve import (
    LAST_KEPT,
    METRIC_PAIRS,
    TAN_MOTANI,
    metric_curves,
)

CLAIMS.register("dropnet-mlp")(
    Claim(
        "Dropping the least active units keeps the accuracy of small MLPs longest",
        TAN_MOTANI + ", figures 3 to 5",
        tuple(
            Figure(widths, f"FC{widths.replace('-', ', FC')} on MNIST", f"figure {number}",
                   f"mlp-a:{widths}", "mnist", (*metric_curves(), LAST_KEPT), seeds)
            for number, widths, seeds in ((3, "40-40", 15), (4, "20-40", 5), (5, "40-20", 5))
        ),
        METRIC_PAIRS,
    )
)  # fmt: skip
