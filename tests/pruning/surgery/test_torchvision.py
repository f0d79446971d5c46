"""The classifiers of torchvision: each pruned, or a refusal that names the operation."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from torch import nn

from pruning.core.torchvision_compat import import_torchvision
from pruning.surgery import Analysis

LAYER_NORM = "layer_norm"
CLASSIFIERS: dict[str, str | None] = {
    "resnet18": None,
    "vgg16_bn": None,
    "densenet121": None,
    "mobilenet_v3_small": None,
    "squeezenet1_1": None,
    "googlenet": None,
    "efficientnet_b0": None,
    "regnet_y_400mf": None,
    "inception_v3": None,
    "convnext_tiny": LAYER_NORM,
    "mnasnet1_0": None,
    "shufflenet_v2_x1_0": None,
}
"""Name → the operation that refuses some of its layers."""

AUXILIARY = {"googlenet", "inception_v3"}
QUICK = {"squeezenet1_1", "mobilenet_v3_small", "shufflenet_v2_x1_0"}


def _factory(name: str) -> Callable[[], nn.Module]:
    options = {"init_weights": False, "aux_logits": False} if name in AUXILIARY else {}

    def factory() -> nn.Module:
        network: nn.Module = getattr(import_torchvision().models, name)(
            weights=None, num_classes=10, **options
        )
        return network

    return factory


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n in QUICK else [pytest.mark.slow]) for n in CLASSIFIERS],
)
def test_a_torchvision_classifier_shrinks_to_what_it_masks(
    name: str, assert_surgery_holds: Callable[..., Analysis]
) -> None:
    side = 96 if name == "inception_v3" else 64
    analysis = assert_surgery_holds(_factory(name), (3, side, side), batch=2)
    forbidding = {refusal.operation for refusal in analysis.refusals}
    assert forbidding == ({CLASSIFIERS[name]} if CLASSIFIERS[name] else set())
    assert len(analysis.groups) > 5


@pytest.mark.slow
def test_the_auxiliary_heads_of_training_shrink_with_the_rest(
    assert_surgery_holds: Callable[..., Analysis],
) -> None:
    def factory() -> nn.Module:
        network: nn.Module = import_torchvision().models.googlenet(
            weights=None, num_classes=10, init_weights=False
        )
        return network

    analysis = assert_surgery_holds(factory, (3, 64, 64), train=False, batch=2)
    assert {refusal.layer.split(".")[0] for refusal in analysis.refusals} == {"aux1", "aux2"}
    read = {s.module for g in analysis.groups for s in g.slices if s.side == "in"}
    assert {"aux1.conv.conv", "aux2.conv.conv"} <= read
