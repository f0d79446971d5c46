"""Teachers of stacked networks: plain MLPs as batched matrices, what they teach written out."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from pruning.inference.stacked_layers import Layers
from pruning.training.lesson import Lesson
from pruning.training.perturbation import drawn_in, moved

Logits = Callable[[Tensor], Tensor]
"""(G, B, F) samples → (G, C, B) logits."""


class StackedLesson:
    """What each of G stacked networks is taught.

    Parameters
    ----------
    lesson
        Of G networks. The k-th teachers of all are one network, or plain MLPs with the same
        layers; so are the movers.
    shape
        Of a sample, as a network takes it.
    device
        Theirs.
    """

    def __init__(self, lesson: Lesson, shape: tuple[int, ...], device: torch.device) -> None:
        self._weight, self._temperature = lesson.weight, lesson.temperature
        self._teachers = [
            _logits_of(teachers, shape, device) for teachers in zip(*lesson.teachers, strict=True)
        ]
        self._perturb = lesson.perturb
        self._mover = _logits_of(lesson.movers, shape, device) if lesson.perturb else None
        self.passes = 2 if lesson.perturb else 1
        """How often a network answers to each sample: as it is, and once more as it is moved."""

    def with_moved(self, samples: Tensor, changes: Tensor | None) -> Tensor:
        """Return (G, B, F) samples and, after them, the same moved: (G, 2 B, F), where they are.

        The last column of (G × B, K) `changes` says how.
        """
        mover = self._mover
        if mover is None:
            return samples
        further = moved(
            lambda flat: mover(flat.view_as(samples)).transpose(1, 2).flatten(0, 1),
            samples.flatten(0, 1), drawn_in(changes),
            length=self._perturb, temperature=self._temperature,
        )  # fmt: skip
        return torch.cat([samples, further.view_as(samples)], 1)

    def answers(self, samples: Tensor) -> Tensor:
        """Return (G, C, B), the mean of the teachers' probabilities for (G, B, F) samples."""
        asked = [(logits(samples) / self._temperature).softmax(1) for logits in self._teachers]
        return torch.stack(asked).mean(0)

    def __call__(
        self, losses: Tensor, gradient: Tensor, logits: Tensor, answers: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return `pruning.training.lesson.taught_loss` of each, times B, and the gradient.

        Parameters
        ----------
        losses, gradient
            (G,) and (G, C, B) by labels, as `pruning.training.engines.stacked_loss` has them.
        logits, answers
            (G, C, B), of moved samples where they are moved: then the gradient is (G, C, 2 B), of
            samples as they are and of moved ones.
        """
        heat, weight = self._temperature, self._weight
        own = (logits / heat).log_softmax(1)
        distances = (torch.xlogy(answers, answers) - answers * own).sum((1, 2))
        taught = (own.exp_() - answers).mul_(heat * weight / logits.shape[2])
        by_labels = gradient * (1 - weight)
        return (
            losses * (1 - weight) + distances * (weight * heat**2),
            by_labels + taught if self._mover is None else torch.cat([by_labels, taught], 2),
        )


def _logits_of(
    teachers: Sequence[nn.Module], shape: tuple[int, ...], device: torch.device
) -> Logits:
    if all(teacher is teachers[0] for teacher in teachers):
        return _one_for_all(teachers[0], shape)
    return _one_for_each(teachers, device)


def _one_for_all(teacher: nn.Module, shape: tuple[int, ...]) -> Logits:
    def logits(samples: Tensor) -> Tensor:
        asked: Tensor = teacher(samples.reshape(-1, *shape))
        return asked.view(*samples.shape[:2], -1).transpose(1, 2)

    return logits


def _one_for_each(teachers: Sequence[nn.Module], device: torch.device) -> Logits:
    layers = Layers.of(teachers)
    weights, biases = layers.views(layers.gathered(teachers, device))

    def logits(samples: Tensor) -> Tensor:
        x = samples.transpose(1, 2)
        for weight, bias, relu in zip(weights, biases, layers.relu_after, strict=True):
            x = torch.baddbmm(bias, weight, x)
            x = x.relu_() if relu else x
        return x

    return logits
