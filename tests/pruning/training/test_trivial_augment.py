"""TrivialAugment: each operation as torchvision computes it, for each sample by itself."""

from __future__ import annotations

import importlib

import pytest
import torch
from torch import Tensor

from pruning.core.torchvision_compat import import_torchvision
from pruning.training.trivial_augment import (
    OPERATIONS,
    STRENGTHS,
    draw_trivial,
    trivially_changed,
)

STRONG = (0, 4, 13, 30)


def images(channels: int = 3, count: int = 4) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    smooth = torch.rand(count, channels, 6, 8, generator=generator) * 200
    found = torch.nn.functional.interpolate(smooth, (24, 32), mode="bilinear") + 20
    return found.round().byte()


def changed(batch: Tensor, name: str, strength: int, turned: int = 0) -> Tensor:
    row = torch.tensor([[OPERATIONS.index(name), strength, turned]])
    return trivially_changed(batch, row.expand(len(batch), -1))


@pytest.mark.parametrize("turned", [0, 1])
@pytest.mark.parametrize("strength", STRONG)
@pytest.mark.parametrize("channels", [1, 3])
def test_light_and_colours_are_changed_as_torchvision_does(
    channels: int, strength: int, turned: int
) -> None:
    import_torchvision()
    of = importlib.import_module("torchvision.transforms.functional")
    batch, level = images(channels), strength / (STRENGTHS - 1)
    factor = 1 + (-1 if turned else 1) * 0.99 * level
    bits = 8 - round(level * 6)
    expected = {
        "identity": batch,
        "brightness": of.adjust_brightness(batch, factor),
        "color": of.adjust_saturation(batch, factor),
        "contrast": of.adjust_contrast(batch, factor),
        "sharpness": of.adjust_sharpness(batch, factor),
        "posterize": of.posterize(batch, bits),
        "solarize": of.solarize(batch, 255 * (1 - level)),
        "autocontrast": of.autocontrast(batch),
        "equalize": of.equalize(batch),
    }
    for name, values in expected.items():
        found = changed(batch, name, strength, turned)
        # torchvision cuts off what is behind the point, at each of several steps.
        assert (found - values.float()).abs().max() <= 2.01, name


@pytest.mark.parametrize("turned", [0, 1])
@pytest.mark.parametrize("strength", STRONG)
def test_an_image_is_turned_and_sheared_as_torchvision_does(strength: int, turned: int) -> None:
    import_torchvision()
    of = importlib.import_module("torchvision.transforms.functional")
    batch, signed = images(), strength / (STRENGTHS - 1) * (-1 if turned else 1)
    shear = torch.rad2deg(torch.atan(torch.tensor(0.99 * signed))).item()
    expected = {
        "rotate": of.rotate(batch, 135 * signed),
        "shear-x": of.affine(batch, 0.0, [0, 0], 1.0, [shear, 0.0]),
        "shear-y": of.affine(batch, 0.0, [0, 0], 1.0, [0.0, shear]),
        "translate-x": of.affine(batch, 0.0, [int(16 * signed), 0], 1.0, [0.0, 0.0]),
        "translate-y": of.affine(batch, 0.0, [0, int(12 * signed)], 1.0, [0.0, 0.0]),
    }
    for name, values in expected.items():
        found = changed(batch, name, strength, turned)
        # The nearest of two pixels that are as near is chance.
        assert (found != values.float()).float().mean() < 0.03, name


def test_each_sample_takes_its_own_operation() -> None:
    generator = torch.Generator().manual_seed(1)
    batch, drawn = images(count=60), draw_trivial(60, generator)
    together = trivially_changed(batch, drawn)
    assert len(drawn[:, 0].unique()) > 10
    for i in range(60):
        assert torch.equal(trivially_changed(batch[i : i + 1], drawn[i : i + 1])[0], together[i])
    assert torch.equal(trivially_changed(batch, drawn, whole=True), together)


def test_values_stay_between_black_and_white_whatever_is_drawn() -> None:
    generator = torch.Generator().manual_seed(2)
    for shape in ((1, 1, 1), (3, 2, 5), (4, 9, 3)):
        batch = torch.randint(0, 256, (300, *shape), generator=generator).byte()
        found = trivially_changed(batch, draw_trivial(300, generator))
        assert found.shape == batch.shape
        assert torch.isfinite(found).all()
        assert found.min() >= 0 and found.max() <= 255


def test_draws_cover_every_operation_and_strength() -> None:
    drawn = draw_trivial(5000, torch.Generator().manual_seed(3))
    for column, most in enumerate((len(OPERATIONS), STRENGTHS, 2)):
        counts = drawn[:, column].bincount(minlength=most)
        assert len(counts) == most
        assert counts.min() > 0.6 * 5000 / most
