"""`datafree`: units of LeNet's dense layer merged without data or training."""

from pipelines.reproduction.claim import Claim, Figure
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.datafree_curve import SRINIVAS_BABU, DataFreeCurve

_CURVES = (
    DataFreeCurve("exact", "exact", "exact"),
    DataFreeCurve("heuristic", "heuristic", "heuristic"),
    DataFreeCurve("magnitude", "magnitude", "magnitude"),
    DataFreeCurve("random", "random", "random"),
)

CLAIMS.register("datafree")(
    Claim(
        "Four fifths of LeNet's dense units can be merged away without any data",
        SRINIVAS_BABU + ", the table of LeNet on MNIST",
        (
            Figure("lenet", "C20, C50, FC500 on MNIST, units of FC500 removed", "table of LeNet",
                   "lenet", "mnist", _CURVES, published_runs=1),
        ),
        (("exact", "heuristic"), ("heuristic", "magnitude"), ("magnitude", "random")),
    )
)  # fmt: skip
