"""Augmentations by name: which there are, that they combine, and that every engine does them."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from pruning_support import blobs

from pruning.core.errors import RequestError
from pruning.core.seeds import torch_generator
from pruning.data.splits import Splits
from pruning.dropnet.algorithm import dropnet
from pruning.dropnet.settings import DropNet
from pruning.networks.architecture import build_network
from pruning.training.augment_names import WORDS, Augmentation
from pruning.training.augmentation import changed, cut_out, draw_cutout
from pruning.training.augmenter import Augmenter
from pruning.training.device_data import DeviceData
from pruning.training.engines.engine import ENGINES
from pruning.training.recipe import Recipe
from pruning.training.training_loop import Training, train

SHAPE = (1, 8, 8)
TOGETHER = ("shift-mixup", "photo-trivial-cutout-cutmix", "flip-cutout")


def _recipe(augment: str, **more: object) -> Recipe:
    return Recipe(
        learning_rate=0.01, batch_size=40, max_epochs=2, schedule="constant", label_smoothing=0.1,
        class_weights="balanced", augment=augment, **more,  # type: ignore[arg-type]
    )  # fmt: skip


def _uneven() -> DeviceData:
    data = DeviceData.of(blobs(shape=SHAPE), "cpu")
    rows = torch.argsort(data.train_labels, stable=True)[:80]
    return DeviceData(
        data.train_images[rows], data.train_labels[rows], data.val_images, data.val_labels,
        data.scaling, 3,
    )  # fmt: skip


def test_a_name_has_one_form() -> None:
    assert Recipe(augment="cutmix-photo").augment == "photo-cutmix"
    assert Recipe(augment="shift-flip").augment == "shift-flip"
    assert Augmentation.of("none") == Augmentation()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("cutuot", "unknown augmentation 'cutuot'; did you mean 'cutout'"),
        ("shift-none", "unknown augmentation 'none'"),
        ("shift-", "unknown augmentation ''"),
        ("flip-flip", "has a word twice"),
        ("photo-flip", "'photo' and 'flip' do not go together"),
        ("mixup-cutmix", "'mixup' and 'cutmix' do not go together"),
    ],
)
def test_what_makes_no_sense_is_refused(name: str, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        Recipe(augment=name)


@pytest.mark.parametrize("word", WORDS)
def test_what_the_shape_does_not_allow_is_refused_before_training(word: str) -> None:
    rows = np.random.default_rng(0).normal(size=(90, 5))
    splits = Splits.from_arrays(rows, np.arange(90) % 2)
    settings = DropNet(recipe=Recipe(augment=word, max_epochs=2), rounds=0)
    rounds = dropnet("mlp-a:4-3", splits, settings)
    if word == "mixup":
        assert np.isfinite(next(rounds)[0].epochs[0].train_loss)
    else:
        with pytest.raises(RequestError, match=f"`augment` '{word}' needs images"):
            next(rounds)


def test_trivial_needs_to_know_black_and_white() -> None:
    with pytest.raises(RequestError, match="'shift-trivial' needs images of 8 bits"):
        Recipe(augment="trivial-shift").check_values(eight_bit=False)
    Recipe(augment="trivial").check_values(eight_bit=True)
    Recipe(augment="photo").check_values(eight_bit=False)


def test_a_part_of_each_image_is_lost_about_its_centre() -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(200, 3, 8, 12, generator=generator)
    centres = draw_cutout(200, (3, 8, 12), generator)
    found = cut_out(images, centres)
    for image, new, (row, column) in zip(images, found, centres.tolist(), strict=True):
        lost = torch.zeros(8, 12, dtype=torch.bool)
        lost[max(0, row - 2) : row + 2, max(0, column - 3) : column + 3] = True
        assert torch.equal(new[:, ~lost], image[:, ~lost])
        torch.testing.assert_close(
            new[:, lost], image.mean((1, 2))[:, None].expand(3, int(lost.sum()))
        )
    assert centres.amin(0).tolist() == [0, 0] and centres.amax(0).tolist() == [7, 11]


def test_words_together_are_done_one_after_the_other() -> None:
    images = blobs(shape=SHAPE).train.images
    stored = torch.from_numpy(images)
    drawn = Augmenter("photo-cutout", SHAPE).draw(96, torch_generator(3, "batches"))
    assert drawn is not None
    found = Augmenter("photo-cutout", SHAPE).samples(stored, drawn, stored.__getitem__)
    assert torch.equal(found, cut_out(changed(stored, drawn[:, :4]), drawn[:, 4:]))


def test_what_was_drawn_before_there_were_more_words_is_drawn_still() -> None:
    for name, most in (("shift", (1, 1, 0)), ("shift-flip", (1, 1, 1))):
        ours, plain = (torch_generator(0, "batches") for _ in range(2))
        expected = [torch.randint(-1, 2, (50,), generator=plain) for _ in range(2)]
        expected.append(torch.randint(0, most[2] + 1, (50,), generator=plain))
        drawn = Augmenter(name, SHAPE).draw(50, ours)
        assert drawn is not None
        assert torch.equal(drawn, torch.stack(expected, 1))
    assert Augmenter("none", (3,)).draw(50, torch_generator(0, "batches")) is None


@pytest.mark.parametrize("name", TOGETHER)
def test_engines_see_the_same_samples_and_targets(name: str) -> None:
    data, recipe = _uneven(), _recipe(name)
    networks = [build_network("mlp-a:6-5", 3, SHAPE, seed) for seed in range(2)]
    generator = torch.Generator().manual_seed(0)
    orders = torch.stack([torch.randperm(80, generator=generator) for _ in range(2)])
    drawn = [Augmenter(name, SHAPE).draw(80, generator) for _ in range(2)]
    changes = torch.stack([rows for rows in drawn if rows is not None])
    found = {}
    for engine in ("loop", "stacked", "streams-float32"):
        trained = ENGINES[engine](copy.deepcopy(networks), data, recipe)
        losses = trained.epoch(orders, [0.01] * 2, changes)
        found[engine] = (losses, trained.weights(0))
    plain = ENGINES["loop"](copy.deepcopy(networks), data, recipe).epoch(orders, [0.01] * 2)
    assert found["loop"][0] != pytest.approx(plain, rel=1e-3)
    for losses, weights in found.values():
        assert losses == pytest.approx(found["loop"][0], rel=1e-4)
        for key, value in found["loop"][1].items():
            torch.testing.assert_close(weights[key], value, rtol=1e-2, atol=2e-4)


@pytest.mark.parametrize("name", TOGETHER)
@pytest.mark.parametrize("arch", ["mlp-a:6-5", "conv-b:3-4"])
def test_a_seed_gives_the_same_bytes_and_torchs_generator_is_left_alone(
    name: str, arch: str
) -> None:
    data, weights = _uneven(), []
    before = torch.get_rng_state()
    for _ in range(2):
        network = build_network(arch, 3, SHAPE, 0)
        train([network], [torch_generator(0, "batches")], Training(data, _recipe(name)))
        weights.append(network.state_dict())
        torch.rand(5)
    torch.set_rng_state(before)
    for key, value in weights[0].items():
        assert torch.equal(weights[1][key], value)
