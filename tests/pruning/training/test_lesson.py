"""What networks are taught beside their labels: by hand, and alike by every engine."""

from __future__ import annotations

import copy
import dataclasses
import math

import pytest
import torch
from pruning_support import blobs
from torch import Tensor, nn

from pruning.networks.architecture import build_network
from pruning.training.device_data import DeviceData
from pruning.training.engines.engine import ENGINES
from pruning.training.engines.stacked_lesson import StackedLesson
from pruning.training.engines.trainee import Trainee
from pruning.training.lesson import Lesson, taught_loss
from pruning.training.loss import mean_loss
from pruning.training.recipe import Recipe

SHAPE = (1, 4, 4)
CPU = torch.device("cpu")
RECIPE = Recipe(
    optimizer="sgd", learning_rate=0.05, momentum=0.9, weight_decay=0.0, schedule="constant",
    label_smoothing=0.1, batch_size=40, max_epochs=2,
)  # fmt: skip


class Fixed(nn.Module):
    """Answers the same logits to every sample."""

    def __init__(self, *logits: float) -> None:
        super().__init__()
        self.logits = torch.tensor(logits)

    def forward(self, inputs: Tensor) -> Tensor:
        return self.logits.expand(len(inputs), -1)


def test_answers_are_the_mean_of_probabilities_at_the_temperature() -> None:
    lesson = Lesson(((Fixed(2 * math.log(3), 0.0), Fixed(0.0, 0.0)),), temperature=2.0)
    assert lesson.answers(0, torch.zeros(2, 5)).tolist() == [pytest.approx([0.625, 0.375])] * 2


def test_the_loss_by_hand() -> None:
    lesson = Lesson((), weight=0.9, temperature=2.0)
    logits = torch.tensor([[0.0, 0.0], [0.0, 0.0]])
    answers = torch.tensor([[0.75, 0.25], [0.5, 0.5]])
    distance = (0.75 * math.log(1.5) + 0.25 * math.log(0.5)) / 2  # none of the second sample
    found = taught_loss(torch.tensor(3.0), logits, answers, lesson)
    assert found.item() == pytest.approx(0.1 * 3 + 0.9 * 4 * distance)


def test_a_network_that_answers_as_its_teacher_learns_from_labels_alone() -> None:
    logits = torch.randn(5, 3, generator=torch.Generator().manual_seed(0), requires_grad=True)
    lesson = Lesson((), weight=0.9, temperature=3.0)
    taught_loss(torch.tensor(0.0), logits, (logits.detach() / 3).softmax(1), lesson).backward()  # type: ignore[no-untyped-call]
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6


def _teachers(own: bool) -> tuple[tuple[nn.Module, ...], ...]:
    if own:
        return tuple((build_network(f"mlp-a:{8 + s}-7", 3, SHAPE, 10 + s),) for s in range(2))
    archs = ("mlp-a:9-7", "conv-b:3-4", "mlp-a:6-5")
    return ((*(build_network(arch, 3, SHAPE, 20 + s) for s, arch in enumerate(archs)),),) * 2


@pytest.mark.parametrize("own", [True, False])
def test_the_written_out_lesson_of_a_stack_is_the_lesson_with_its_gradient(own: bool) -> None:
    lesson = Lesson.of(_teachers(own), CPU, weight=0.7, temperature=2.5)
    stacked, generator = StackedLesson(lesson, SHAPE, CPU), torch.Generator().manual_seed(0)
    samples = torch.rand(2, 6, 16, generator=generator)
    logits = torch.randn(2, 3, 6, generator=generator, requires_grad=True)
    answers = stacked.answers(samples)
    expected = []
    for row in range(2):
        asked = lesson.answers(row, samples[row].view(6, *SHAPE))
        torch.testing.assert_close(answers[row].T, asked)
        by_labels = logits[row].square().mean()
        expected.append(taught_loss(by_labels, logits[row].T, asked, lesson))
    (of_torch,) = torch.autograd.grad(torch.stack(expected).sum(), logits)
    plain = logits.detach()
    losses, gradient = stacked(
        6 * plain.square().mean((1, 2)), 2 * plain / plain[0].numel(), plain, answers
    )
    torch.testing.assert_close(losses, 6 * torch.stack(expected).detach())
    torch.testing.assert_close(gradient, of_torch, rtol=1e-4, atol=1e-6)


def _moving(own: bool, perturb: float) -> Lesson:
    movers = [row[0] for row in _teachers(own=True)]
    return Lesson.of(
        _teachers(own), CPU, weight=0.9, temperature=2.0, perturb=perturb, movers=movers
    )


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("arch", ["mlp-a:6-5", "conv-b:3-4"])
@pytest.mark.parametrize("perturb", [0.0, 0.3])
def test_engines_teach_alike_and_none_changes_a_teacher(
    own: bool, arch: str, perturb: float
) -> None:
    data, lesson = DeviceData.of(blobs(), "cpu"), _moving(own, perturb)
    teachers = (*lesson.teachers, lesson.movers)
    before = [copy.deepcopy(teacher.state_dict()) for row in teachers for teacher in row]
    networks = [build_network(arch, 3, SHAPE, seed) for seed in range(2)]
    generator = torch.Generator().manual_seed(0)
    orders = torch.stack([torch.randperm(96, generator=generator) for _ in range(2)])
    moves = [drawn for _ in range(2) if (drawn := lesson.draw(96, generator)) is not None]
    changes = torch.stack(moves) if perturb else None
    names = ["loop", "streams-float32", *(["stacked"] if arch.startswith("mlp") else [])]
    found = {}
    for name in names:
        engine = ENGINES[name](copy.deepcopy(networks), data, RECIPE, lesson)
        losses = engine.epoch(orders, [0.05] * 3, changes)
        engine.narrow([1])
        losses += engine.epoch(orders[1:], [0.05] * 3, None if changes is None else changes[1:])
        found[name] = losses, engine.weights(0)
    for other in (None, dataclasses.replace(lesson, perturb=0.0) if perturb else None):
        engine = ENGINES["loop"](copy.deepcopy(networks), data, RECIPE, other)
        assert found["loop"][0][:2] != pytest.approx(engine.epoch(orders, [0.05] * 3), rel=1e-3)
    for losses, weights in found.values():
        assert losses == pytest.approx(found["loop"][0], rel=1e-4)
        for key, value in found["loop"][1].items():
            torch.testing.assert_close(weights[key], value, rtol=1e-3, atol=1e-5)
    after = [teacher.state_dict() for row in teachers for teacher in row]
    for old, new in zip(before, after, strict=True):
        assert all(torch.equal(old[key], new[key]) for key in old)


def test_labels_are_asked_of_samples_as_they_are_and_teachers_of_moved_ones() -> None:
    data, network = DeviceData.of(blobs(), "cpu"), build_network("mlp-a:6-5", 3, SHAPE, 0)
    inputs, labels = torch.rand(96, *SHAPE), data.train_labels
    by_labels = mean_loss(network(inputs), labels, smoothing=0.1)
    for perturb in (0.0, 0.3):
        lesson = _moving(own=False, perturb=perturb)
        drawn = lesson.draw(96, torch.Generator().manual_seed(0))
        asked = lesson.asked(0, inputs, drawn)
        assert (asked is inputs) == (perturb == 0)
        expected = taught_loss(by_labels, network(asked), lesson.answers(0, asked), lesson)
        found = Trainee(network, data, RECIPE, "float32", lesson).loss(
            network, inputs, labels, drawn
        )
        assert torch.equal(found, expected)


def test_a_lesson_that_moves_nothing_draws_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert _moving(own=True, perturb=0.0).draw(96, generator) is None
    assert torch.equal(generator.get_state(), before)


def test_a_lesson_that_moves_samples_says_what_it_lacks() -> None:
    with pytest.raises(ValueError, match="0 movers for 2 networks"):
        Lesson(_teachers(own=True), perturb=0.1)
    lesson, data = _moving(own=True, perturb=0.1), DeviceData.of(blobs(), "cpu")
    networks = [build_network("mlp-a:6-5", 3, SHAPE, seed) for seed in range(2)]
    for name in ("loop", "streams-float32", "stacked"):
        engine = ENGINES[name](copy.deepcopy(networks), data, RECIPE, lesson)
        with pytest.raises(ValueError, match="reads what it drew, as `changes`"):
            engine.epoch(torch.arange(96).expand(2, -1), [0.05] * 3)


def test_a_teacher_of_several_is_copied_once() -> None:
    one, other = Fixed(1.0), Fixed(2.0)
    lesson = Lesson.of(
        [(one, other), (one, other)], CPU, weight=0.5, temperature=1.0, perturb=0.1,
        movers=(one, other),
    )  # fmt: skip
    assert lesson.teachers[0] == lesson.teachers[1] == lesson.movers
    assert lesson.teachers[0][0] is not one
    assert lesson.only([1]).teachers == lesson.teachers[1:]
    assert lesson.only([1]).movers == lesson.movers[1:]
