"""`hq`: of ten networks, which team, and does it beat all ten (Wu & Liu 2021)?"""

from pipelines.reproduction.claim import Claim
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.hq_study import HqStudy

_TITLE = "10 networks {}: the team that each method chooses, of whatever size, on held-out samples"

CLAIMS.register("hq")(
    Claim(
        "Smaller teams, chosen by focal diversity, beat the whole pool",
        "Wu & Liu, Boosting Deep Ensemble Performance with Hierarchical Pruning, ICDM 2021",
        (),
        studies=(
            HqStudy("mlp-a", _TITLE.format("of mlp-a on 2,000 digits of MNIST"), "mnist", 2000, 10),
            HqStudy("mlp-a-small", _TITLE.format("of 10-10 units on 2,000 digits of MNIST"),
                    "mnist", 2000, 10, arch="mlp-a:10-10"),
            HqStudy("conv-c4", _TITLE.format("of conv-c4 on CIFAR-10"), "cifar10", 50_000, 10, 10,
                    arch="conv-c4"),
        ),
    )
)  # fmt: skip
