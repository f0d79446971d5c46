"""`dropnet-conv-cifar`: four convolutions on CIFAR-10, six metrics (figures 9 and 10)."""

from pipelines.reproduction.claim import Claim, Figure
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.dropnet_curve import METRIC_PAIRS, TAN_MOTANI, metric_curves

CLAIMS.register("dropnet-conv-cifar")(
    Claim(
        "Dropping the least active filters keeps the accuracy of four convolutions longest",
        TAN_MOTANI + ", figures 9 and 10",
        tuple(
            Figure(widths, f"C{widths.replace('-', ', C')} on CIFAR-10", f"figure {number}",
                   f"conv-c4:{widths}-256", "cifar10", metric_curves(), seeds)
            for number, widths, seeds in ((9, "64-64-128-128", 15), (10, "128-128-256-256", 5))
        ),
        METRIC_PAIRS,
        card=True,
    )
)  # fmt: skip
