"""`dropnet-conv-mnist`: two convolutions on MNIST, six metrics (figures 6 to 8)."""

from pipelines.reproduction.claim import Claim, Figure
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.dropnet_curve import METRIC_PAIRS, TAN_MOTANI, metric_curves

CLAIMS.register("dropnet-conv-mnist")(
    Claim(
        "Dropping the least active filters keeps the accuracy of two convolutions longest",
        TAN_MOTANI + ", figures 6 to 8",
        tuple(
            Figure(widths, f"C{widths.replace('-', ', C')} on MNIST", f"figure {number}",
                   f"conv-b:{widths}", "mnist", metric_curves())
            for number, widths in ((6, "64-64"), (7, "32-64"), (8, "64-32"))
        ),
        METRIC_PAIRS,
        card=True,
    )
)  # fmt: skip
