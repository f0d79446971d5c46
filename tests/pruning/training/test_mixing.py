"""Mixtures of two samples: values and labels by hand, their mass, what is drawn."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F  # noqa: N812

from pruning.training.augmenter import Augmenter
from pruning.training.engines.stacked_loss import soft_loss
from pruning.training.loss import mean_loss
from pruning.training.mixing import WHOLE, draw_cutmix, draw_mixup, mixed, own_share


def test_mixup_by_hand() -> None:
    rows = torch.tensor([[0.0, 8.0], [4.0, 0.0], [2.0, 2.0]])
    labels, index = torch.tensor([0, 1, 2]), torch.tensor([0, 2])
    changes = torch.tensor([[1, WHOLE * 3 // 4], [0, WHOLE // 2]])
    augmenter = Augmenter("mixup", (2,))
    found = augmenter.samples(rows[index], changes, rows.__getitem__)
    assert found.tolist() == [[1.0, 6.0], [1.0, 5.0]]
    shares = augmenter.targets(labels, index, changes, 4)
    assert shares.tolist() == [[0.75, 0.25, 0.0, 0.0], [0.5, 0.0, 0.5, 0.0]]


def test_cutmix_by_hand() -> None:
    images = torch.stack([torch.full((1, 2, 4), 10), torch.arange(8).view(1, 2, 4)]).byte()
    labels, index = torch.tensor([1, 0]), torch.tensor([0, 1])
    changes = torch.tensor([[1, 0, 2, 1, 3], [0, 1, 2, 0, 1]])
    augmenter = Augmenter("cutmix", (1, 2, 4))
    found = augmenter.samples(images[index], changes, images.__getitem__)
    assert found.dtype == torch.uint8
    assert found[0, 0].tolist() == [[10, 1, 2, 10], [10, 5, 6, 10]]
    assert found[1, 0].tolist() == [[0, 1, 2, 3], [10, 5, 6, 7]]
    shares = augmenter.targets(labels, index, changes, 2)
    assert shares.tolist() == [[0.5, 0.5], [0.875, 0.125]]


@pytest.mark.parametrize("word", ["mixup", "cutmix"])
def test_labels_have_the_mass_that_pixels_have(word: str) -> None:
    shape, generator = (2, 6, 10), torch.Generator().manual_seed(0)
    images = torch.stack([torch.full(shape, float(c)) for c in (0, 1)])[torch.arange(400) % 2]
    labels, augmenter = torch.arange(400) % 2, Augmenter(word, shape)
    changes, index = augmenter.draw(400, generator), torch.arange(400)
    assert changes is not None
    found = augmenter.samples(images, changes, images.__getitem__)
    shares = augmenter.targets(labels, index, changes, 3)
    torch.testing.assert_close(shares.sum(1), torch.ones(400))
    torch.testing.assert_close(shares[:, 1], found.mean((1, 2, 3)))
    assert not shares[:, 2].any()


def test_every_sample_is_a_partner_once_and_shares_are_uniform() -> None:
    generator = torch.Generator().manual_seed(0)
    for drawn in (draw_mixup(4000, generator), draw_cutmix(4000, (3, 64, 48), generator)):
        assert drawn[:, 0].sort().values.tolist() == [*range(4000)]
        share = own_share(drawn, (3, 64, 48))
        assert share.min() >= 0 and share.max() <= 1
    mixup = own_share(draw_mixup(4000, generator), (5,))
    assert float(mixup.mean()) == pytest.approx(0.5, abs=0.02)
    assert float(mixup.var()) == pytest.approx(1 / 12, abs=0.005)


def test_a_box_lies_inside_and_is_as_large_as_was_drawn_where_nothing_is_cut_off() -> None:
    height, width = 64, 48
    _, top, bottom, left, right = draw_cutmix(4000, (3, height, width), torch.Generator()).T
    for start, end, side in ((top, bottom, height), (left, right, width)):
        assert (start >= 0).all() and (start <= end).all() and (end <= side).all()
    inside = (top > 0) & (bottom < height) & (left > 0) & (right < width)
    tall, wide = (bottom - top)[inside] / height, (right - left)[inside] / width
    assert (tall - wide).abs().max() < 0.02, "its proportions are the image's"


def test_with_no_part_of_the_partner_a_sample_is_itself_and_the_other_way_round() -> None:
    images = torch.rand(2, 3, 4, 5)
    own, partner = images[:1], images[1:]
    assert torch.equal(mixed(own, partner, torch.tensor([[1, 2, 2, 0, 5]])), own)
    assert torch.equal(mixed(own, partner, torch.tensor([[1, 0, 4, 0, 5]])), partner)
    assert torch.equal(mixed(own, partner, torch.tensor([[1, WHOLE]])), own)
    assert torch.equal(mixed(own, partner, torch.tensor([[1, 0]])), partner)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_of_whole_labels_is_that_of_their_names(smoothing: float, weighted: bool) -> None:
    logits = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    labels = torch.tensor([0, 3, 1, 1, 2, 0, 0])
    weights = torch.tensor([0.2, 3.0, 1.0, 0.7]) if weighted else None
    named = mean_loss(logits, labels, weights, smoothing)
    torch.testing.assert_close(
        mean_loss(logits, F.one_hot(labels, 4).float(), weights, smoothing), named
    )
    assert named == F.cross_entropy(logits, labels, weights, label_smoothing=smoothing)


def test_the_loss_of_a_mixture_is_the_mixture_of_losses() -> None:
    logits = torch.randn(1, 3, generator=torch.Generator().manual_seed(0))
    first, second = (mean_loss(logits, torch.tensor([label])) for label in (0, 2))
    found = mean_loss(logits, torch.tensor([[0.75, 0.0, 0.25]]))
    assert found.item() == pytest.approx((0.75 * first + 0.25 * second).item(), rel=1e-6)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_written_out_soft_loss_is_the_loss_with_its_gradient(
    smoothing: float, weighted: bool
) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, 7, generator=generator, requires_grad=True)
    shares = torch.rand(3, 4, 7, generator=generator)
    shares = shares / shares.sum(1, keepdim=True)
    weights = torch.tensor([0.2, 3.0, 1.0, 0.7]) if weighted else None
    losses, gradient = soft_loss(smoothing, weights)(logits.detach(), shares)
    expected = torch.stack(
        [mean_loss(logits[row].T, shares[row].T, weights, smoothing) for row in range(3)]
    )
    (of_torch,) = torch.autograd.grad(expected.sum(), logits)
    torch.testing.assert_close(losses, 7 * expected)
    torch.testing.assert_close(gradient, of_torch, rtol=1e-4, atol=1e-7)
