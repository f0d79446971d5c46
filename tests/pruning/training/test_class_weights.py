"""Classes that count alike, however many samples they have."""

from __future__ import annotations

import copy
import dataclasses

import numpy as np
import pytest
import torch
from pruning_support import blobs
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.networks.architecture import build_network
from pruning.training.class_weights import accuracy_of_one_answer, class_weights
from pruning.training.device_data import DeviceData
from pruning.training.engines.choosing import choose_engine
from pruning.training.engines.engine import ENGINES
from pruning.training.engines.stacked import Stacked
from pruning.training.engines.stacked_loss import smoothed_loss
from pruning.training.recipe import Recipe

BALANCED = Recipe(
    optimizer="sgd", learning_rate=0.05, momentum=0.9, weight_decay=0.0, label_smoothing=0.1,
    batch_size=16, max_epochs=2, patience=2, class_weights="balanced",
)  # fmt: skip
SHAPE = (1, 4, 4)
ARCHS = ("mlp-a:6-5", "conv-b:4-3")
DEVICES = ("cpu", "cuda") if torch.cuda.is_available() else ("cpu",)
FITTING = [
    (name, arch, device)
    for name in ENGINES
    for device in DEVICES
    for arch in ARCHS
    if ENGINES[name].obstacle(build_network(arch, 3, SHAPE, 0), device) is None
]
# On a processor its lanes do what they are told as it comes.
FITTING += [("streams-float32", arch, "cpu") for arch in ARCHS]
ROWS = (*range(40), *range(40, 47), *range(64, 67))


def uneven(device: str = "cpu") -> DeviceData:
    """Return 50 training and 23 validation samples of classes that are far from even."""
    data = DeviceData.of(blobs(), device)
    by_class = torch.argsort(data.train_labels, stable=True)
    rows = by_class[list(ROWS)]
    val = torch.argsort(data.val_labels, stable=True)[:23]
    return DeviceData(
        data.train_images[rows], data.train_labels[rows],
        data.val_images[val], data.val_labels[val], data.scaling, 3,
    )  # fmt: skip


def test_each_class_counts_alike_in_sum() -> None:
    labels = torch.tensor([2] * 6 + [0] * 3 + [3])
    weights = class_weights("balanced", labels, 5)
    assert weights is not None
    assert weights.tolist() == pytest.approx([10 / 9, 0, 10 / 18, 10 / 3, 0])
    assert float(weights[labels].sum()) == pytest.approx(10)


def test_even_classes_are_left_alone() -> None:
    labels = torch.tensor([0, 1, 2] * 4)
    assert class_weights("balanced", labels, 3) is None
    assert class_weights("none", torch.tensor([0, 0, 1]), 2) is None


def test_naming_one_class_gets_its_share_or_one_class_of_all() -> None:
    labels = torch.tensor([0] * 195 + [2] * 5)
    assert accuracy_of_one_answer("none", labels) == 0.975
    assert accuracy_of_one_answer("balanced", labels) == pytest.approx(0.5)


@pytest.mark.parametrize("smoothing", [0.0, 0.3])
@pytest.mark.parametrize("weighted", [False, True])
def test_the_written_out_loss_is_torchs_with_its_gradient(smoothing: float, weighted: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(3, 4, 7, generator=generator, requires_grad=True)
    labels = torch.randint(0, 4, (3, 7), generator=generator)
    weights = torch.tensor([0.2, 3.0, 1.0, 0.7], dtype=torch.float64) if weighted else None
    losses, gradient = smoothed_loss((3, 7), smoothing, weights, torch.device("cpu"))(
        logits.detach(), labels
    )
    narrow = None if weights is None else weights.float()
    expected = [
        F.cross_entropy(logits[row].T, labels[row], narrow, label_smoothing=smoothing)
        for row in range(3)
    ]
    (of_torch,) = torch.autograd.grad(torch.stack(expected).sum(), logits)
    assert losses.tolist() == pytest.approx([7 * loss.item() for loss in expected], rel=1e-5)
    torch.testing.assert_close(gradient, of_torch, rtol=1e-4, atol=1e-7)


def _trained_plainly(networks: list[nn.Module], data: DeviceData, orders: Tensor) -> None:
    """Train by torch's own loss and optimizer; weights by their definition."""
    counts = np.bincount(data.train_labels.cpu().numpy(), minlength=3)
    weights = torch.tensor(counts.sum() / (3 * counts), dtype=torch.float32)
    for network, order in zip(networks, orders, strict=True):
        optimizer = torch.optim.SGD(network.parameters(), lr=0.05, momentum=0.9)
        for batch in order.split(16):
            loss = F.cross_entropy(
                network(data.scaling(data.train_images[batch])), data.train_labels[batch],
                weights.to(batch.device), label_smoothing=0.1,
            )  # fmt: skip
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()


@pytest.mark.parametrize(("name", "arch", "device"), FITTING)
def test_every_engine_trains_and_measures_as_torch_with_these_weights(
    name: str, arch: str, device: str
) -> None:
    data = uneven(device)
    networks = [build_network(arch, 3, SHAPE, seed).to(device) for seed in range(2)]
    generator = torch.Generator().manual_seed(0)
    orders = torch.stack([torch.randperm(50, generator=generator) for _ in range(2)]).to(device)
    plain = copy.deepcopy(networks)
    _trained_plainly(plain, data, orders)
    engine = ENGINES[name](networks, data, BALANCED)
    engine.epoch(orders, [0.05] * 4)
    loose = "bf16" in name or name in ("streams", "compiled", "streams-tf32")
    seen = engine.evaluate()
    for row, network in enumerate(plain):
        for key, value in network.state_dict().items():
            torch.testing.assert_close(
                engine.weights(row)[key], value,
                rtol=0.1 if loose else 1e-3, atol=0.02 if loose else 1e-5,
            )  # fmt: skip
        network.load_state_dict(engine.weights(row))
        with torch.no_grad():
            logits = network.eval()(data.scaling(data.val_images))
        of_classes = [data.val_labels == c for c in data.val_labels.unique()]
        recalls = [(logits[of].argmax(1) == data.val_labels[of]).double().mean().item()
                   for of in of_classes]  # fmt: skip
        losses = [F.cross_entropy(logits[of], data.val_labels[of]).item() for of in of_classes]
        assert seen.accuracies[row] == pytest.approx(np.mean(recalls))
        assert seen.losses[row] == pytest.approx(np.mean(losses), rel=1e-4)


def test_a_replayed_step_of_a_stack_is_the_step() -> None:
    data = uneven(DEVICES[-1])
    networks = [build_network(ARCHS[0], 3, SHAPE, s).to(DEVICES[-1]) for s in range(2)]
    order = torch.arange(50).repeat(2, 1).to(DEVICES[-1])
    ours, plain = (Stacked(copy.deepcopy(networks), data, BALANCED) for _ in range(2))
    ours.replays, plain.replays = True, False
    assert ours.epoch(order, [0.05] * 4) == pytest.approx(plain.epoch(order, [0.05] * 4), 1e-5)
    assert ours.evaluate().losses == pytest.approx(plain.evaluate().losses, 1e-4)


@pytest.mark.parametrize("arch", ARCHS)
def test_balanced_classes_give_the_same_bytes_with_and_without(arch: str) -> None:
    data = DeviceData.of(blobs(), "cpu")
    rows = torch.cat([torch.argwhere(data.train_labels == c).flatten()[:20] for c in range(3)])
    val = torch.cat([torch.argwhere(data.val_labels == c).flatten()[:4] for c in range(3)])
    even = DeviceData(data.train_images[rows], data.train_labels[rows],
                      data.val_images[val], data.val_labels[val], data.scaling, 3)  # fmt: skip
    network = build_network(arch, 3, SHAPE, 0)
    kind = ENGINES[choose_engine("auto", network, "cpu")]
    recipes = (BALANCED, dataclasses.replace(BALANCED, class_weights="none"))
    one, other = (kind([copy.deepcopy(network)], even, recipe) for recipe in recipes)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(1)).unsqueeze(0)
    assert one.epoch(order, [0.05] * 4) == other.epoch(order, [0.05] * 4)
    assert one.evaluate() == other.evaluate()
    for key, value in one.weights(0).items():
        assert torch.equal(other.weights(0)[key], value)


def test_a_class_without_samples_disturbs_nothing() -> None:
    data = dataclasses.replace(uneven(), classes=5)
    network = build_network("mlp-a:6-5", 5, SHAPE, 0)
    order = torch.arange(50).unsqueeze(0)
    for name in ("stacked", "loop"):
        engine = ENGINES[name]([copy.deepcopy(network)], data, BALANCED)
        assert np.isfinite(engine.epoch(order, [0.05] * 4)).all()
        assert 0 <= engine.evaluate().accuracies[0] <= 1 + 1e-9
