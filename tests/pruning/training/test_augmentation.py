from __future__ import annotations

import copy
import dataclasses

import pytest
import torch
from pruning_support import blobs

from pruning.core.errors import RequestError
from pruning.core.seeds import torch_generator
from pruning.networks.architecture import build_network
from pruning.training.augmentation import changed, draw_changes
from pruning.training.device_data import DeviceData
from pruning.training.engines.engine import ENGINES
from pruning.training.recipe import Recipe
from pruning.training.training_loop import Training, train

RECIPE = Recipe(learning_rate=0.01, batch_size=40, max_epochs=3, patience=3, weight_decay=0.0)


def test_every_image_is_moved_as_drawn() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (40, 3, 16, 24), generator=generator).byte()
    changes = draw_changes("shift-flip", 40, (3, 16, 24), generator)
    found = changed(images, changes)
    assert found.dtype == torch.uint8
    assert found.shape == images.shape
    for image, new, (down, right, mirrored) in zip(images, found, changes.tolist(), strict=True):
        expected = torch.zeros_like(image)
        for row in range(16):
            for column in range(24):
                if 0 <= row - down < 16 and 0 <= column - right < 24:
                    expected[:, row, column] = image[:, row - down, column - right]
        assert torch.equal(new, expected.flip(2) if mirrored else expected)


def test_a_photo_is_filled_with_what_its_edge_mirrors_and_lit() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (30, 3, 16, 24), generator=generator).byte()
    changes = draw_changes("photo", 30, (3, 16, 24), generator)
    found = changed(images, changes)
    padded = torch.nn.functional.pad(images.float(), (3, 3, 2, 2), mode="reflect")
    for i, (down, right, mirrored, light) in enumerate(changes.tolist()):
        cut = padded[i, :, 2 - down : 18 - down, 3 - right : 27 - right]
        expected = (cut.flip(2) if mirrored else cut) * light / 100
        torch.testing.assert_close(found[i], expected)
    assert changes[:, 2].unique().tolist() == [0, 1]
    assert 80 <= int(changes[:, 3].min()) < 90 and 110 < int(changes[:, 3].max()) <= 120


def test_an_image_of_one_pixel_is_changed_too() -> None:
    found = changed(torch.full((1, 1, 1, 1), 50.0), torch.tensor([[1, -1, 1, 80]]))
    assert found.flatten().tolist() == pytest.approx([40.0])


def test_draws_cover_an_eighth_of_the_side_each_way() -> None:
    generator = torch.Generator().manual_seed(0)
    changes = draw_changes("shift-flip", 2000, (3, 16, 32), generator)
    assert changes.amin(0).tolist() == [-2, -4, 0]
    assert changes.amax(0).tolist() == [2, 4, 1]
    assert abs(float(changes[:, 2].double().mean()) - 0.5) < 0.05
    unmirrored = draw_changes("shift", 100, (3, 16, 32), generator)
    assert not unmirrored[:, 2].any()


def test_engines_see_the_same_moved_samples() -> None:
    data = DeviceData.of(blobs(shape=(1, 8, 8)), "cpu")
    networks = [build_network("mlp-a:6-5", 3, (1, 8, 8), seed) for seed in range(2)]
    generator = torch.Generator().manual_seed(0)
    orders = torch.stack([torch.randperm(96, generator=generator) for _ in range(2)])
    drawn = [draw_changes("shift-flip", 96, (1, 8, 8), generator) for _ in range(2)]
    changes, recipe = torch.stack(drawn), dataclasses.replace(RECIPE, augment="shift-flip")
    losses = {
        name: [
            ENGINES[name](copy.deepcopy(networks), data, recipe).epoch(orders, [0.01] * 3, given)
            for given in (changes, None)
        ]
        for name in ("loop", "stacked")
    }
    assert losses["stacked"][0] == pytest.approx(losses["loop"][0], rel=1e-4)
    assert losses["stacked"][1] == pytest.approx(losses["loop"][1], rel=1e-4)
    assert losses["loop"][0] != pytest.approx(losses["loop"][1], rel=1e-3)


def test_company_changes_nothing_and_order_stays_that_of_the_generator() -> None:
    data = DeviceData.of(blobs(shape=(1, 8, 8)), "cpu")
    recipe = dataclasses.replace(RECIPE, augment="shift")
    together = [build_network("mlp-a:6-5", 3, (1, 8, 8), seed) for seed in range(3)]
    generators = [torch_generator(seed, "batches") for seed in range(3)]
    train(together, generators, Training(data, recipe))
    alone = build_network("mlp-a:6-5", 3, (1, 8, 8), 1)
    train([alone], [torch_generator(1, "batches")], Training(data, recipe))
    for key, value in alone.state_dict().items():
        torch.testing.assert_close(together[1].state_dict()[key], value, rtol=1e-3, atol=1e-4)


def test_what_cannot_be_augmented_is_refused() -> None:
    with pytest.raises(RequestError, match="`augment` 'shift' needs images"):
        draw_changes("shift", 3, (5,), torch.Generator())
    with pytest.raises(RequestError, match="unknown augmentation 'shft'; did you mean 'shift'"):
        Recipe(augment="shft")  # type: ignore[arg-type]
