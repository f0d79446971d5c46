"""Torchvision's weights see images as torchvision showed them."""

from __future__ import annotations

import pytest
import torch

from pruning.core.errors import RequestError
from pruning.core.torchvision_compat import import_torchvision
from pruning.networks.published_scaling import published_scaling
from pruning.samples.reading import Reading, Units
from pruning.samples.scaling import Scaling

SHAPE = (3, 32, 32)
OWN = Scaling((120.0, 110.0, 100.0), (60.0, 50.0, 40.0), Reading("pad"))


@pytest.mark.parametrize("name", ["resnet18", "vgg16:IMAGENET1K_FEATURES", "mobilenet_v3_small"])
def test_stored_pixels_become_what_torchvisions_own_transforms_show(name: str) -> None:
    torchvision = import_torchvision()
    arch, _, choice = name.partition(":")
    expected = torchvision.models.get_model_weights(arch)[choice or "DEFAULT"].transforms()
    pixels = torch.randint(0, 256, (4, *SHAPE), dtype=torch.uint8)
    found = published_scaling(f"torchvision:{name}", SHAPE, OWN)
    assert found is not None
    assert found.reading == OWN.reading
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (expected.mean, expected.std))
    # Deviations of 1/255 leave pixels in 0..255, and float32 as much of them.
    torch.testing.assert_close(found(pixels), (pixels / 255 - mean) / std, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_networks_that_normalise_again_are_shown_what_comes_of_it(name: str) -> None:
    models = import_torchvision().models
    options = {"weights": None, "init_weights": False, "aux_logits": False}
    network = models.get_model(name, transform_input=True, **options)
    expected = models.get_model_weights(name)["DEFAULT"].transforms()
    pixels = torch.randint(0, 256, (2, *SHAPE), dtype=torch.uint8)
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (expected.mean, expected.std))
    shown = network._transform_input((pixels / 255 - mean) / std)
    found = published_scaling(f"torchvision:{name}", SHAPE, OWN)
    assert found is not None
    torch.testing.assert_close(found(pixels), shown, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize(
    ("source", "shape", "own"),
    [
        ("mine.safetensors", SHAPE, OWN),
        ("torchvision:resnet18", (1, 32, 32), Scaling()),
        ("torchvision:resnet18", (3, 100), Scaling((0.0,), (1.0,))),
        ("torchvision:resnet18", SHAPE, Scaling((0.0,), (1.0,), Reading(units=Units()))),
    ],
)
def test_what_is_not_torchvisions_keeps_the_datas_own(
    source: str, shape: tuple[int, ...], own: Scaling
) -> None:
    assert published_scaling(source, shape, own) is None


def test_unknown_names_are_said_as_for_the_weights() -> None:
    with pytest.raises(RequestError, match="unknown torchvision classifier 'resnet19'; did you"):
        published_scaling("torchvision:resnet19", SHAPE, OWN)
    with pytest.raises(RequestError, match="unknown weights of torchvision:resnet18 'V9'"):
        published_scaling("torchvision:resnet18:V9", SHAPE, OWN)
