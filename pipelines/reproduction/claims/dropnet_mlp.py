"""`dropnet-mlp`: two fully connected layers on MNIST, six metrics (figures 3 to 5)."""

from pipelines.reproduction.claim import Claim, Figure
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.dropnet_curve import (
    LAST_KEPT,
    METRIC_PAIRS,
    TAN_MOTANI,
    metric_curves,
    shuffled,
)

MINIMUM_SHUFFLED = shuffled(next(curve for curve in metric_curves() if curve.name == "minimum"))

CLAIMS.register("dropnet-mlp")(
    Claim(
        "Dropping the least active units keeps the accuracy of small MLPs longest",
        TAN_MOTANI + ", figures 3 to 5",
        tuple(
            Figure(widths, f"FC{widths.replace('-', ', FC')} on MNIST", f"figure {number}",
                   f"mlp-a:{widths}", "mnist", (*metric_curves(), LAST_KEPT, *more), seeds)
            for number, widths, seeds, more in (
                (3, "40-40", 15, (MINIMUM_SHUFFLED,)), (4, "20-40", 5, ()), (5, "40-20", 5, ())
            )
        ),
        METRIC_PAIRS,
    )
)  # fmt: skip
