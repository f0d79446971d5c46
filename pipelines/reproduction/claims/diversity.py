"""`diversity`: does choosing for diversity pay, and up to which width (Abe et al. 2023)?"""

from pipelines.reproduction.claim import Claim
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.diversity_study import DiversityStudy

CLAIMS.register("diversity")(
    Claim(
        "Diversity helps teams of small networks and harms teams of large ones",
        "Abe et al., Pathologies of Predictive Diversity in Deep Ensembles, TMLR 2023",
        (),
        studies=(
            DiversityStudy(
                "mlp", "20 networks of each of four widths on 2,000 digits of MNIST", "mnist",
                2000, 20, 10, archs=("mlp-a:5-5", "mlp-a:10-10", "mlp-a:40-40", "mlp-a:160-160"),
            ),
            DiversityStudy(
                "conv-c", "20 networks of each of four widths on CIFAR-10", "cifar10", 50_000, 20,
                5, archs=("conv-c:8-8-16-16-32", "conv-c:16-16-32-32-64",
                          "conv-c:32-32-64-64-128", "conv-c"),
            ),
        ),
    )
)  # fmt: skip
