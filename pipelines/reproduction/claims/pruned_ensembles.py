"""`pruned-ensembles`: does a choice from pruned networks gain more than one from whole ones?"""

from pipelines.reproduction.claim import Claim
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.pruned_study import PrunedPoolsStudy

CLAIMS.register("pruned-ensembles")(
    Claim(
        "HQ's teams beat the whole pool, by more where the networks are pruned",
        "A course project that joined Tan & Motani 2020 and Wu & Liu 2021, tables 4 to 9, one run "
        "per table",
        (),
        studies=(
            PrunedPoolsStudy(
                "mlp", "five MLPs on 1,000 digits of MNIST, whole and pruned", "mnist", 1000, 5, 10,
                archs=("mlp-a:10-10", "mlp-a:10-20", "mlp-a:20-10", "mlp-a:20-20", "mlp-a:40-20"),
            ),
            PrunedPoolsStudy(
                "vgg", "VGG13, VGG11, VGG16, VGG19 and ResNet18 on CIFAR-10, whole and pruned",
                "cifar10", 50_000, 5, 5, copies=1,
                archs=("vgg13", "vgg11", "vgg16", "vgg19", "resnet18"),
            ),
        ),
    )
)  # fmt: skip
