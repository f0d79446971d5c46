"""What a network is taught beside its labels: the answers of others, at a temperature."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from pruning.training.perturbation import draw_directions, drawn_in, moved


@dataclass(frozen=True, eq=False)
class Lesson:
    """Who teaches each network of a population, and how much that counts.

    Attributes
    ----------
    teachers
        For each network as many, in eval mode on its device; one may teach several.
    weight
        What the teachers count in the loss, in (0, 1]; the labels count the rest.
    temperature
        By what logits are divided, positive.
    perturb
        Length of the step by which samples are moved before teachers and network are compared on
        them (`pruning.training.perturbation`), 0 or more; at 0 they stay as they are.
    movers
        For each network the one along whose answers its samples are moved; none are needed at 0.
    """

    teachers: tuple[tuple[nn.Module, ...], ...]
    weight: float = 0.9
    temperature: float = 2.0
    perturb: float = 0.0
    movers: tuple[nn.Module, ...] = ()

    def __post_init__(self) -> None:
        if self.perturb and len(self.movers) != len(self.teachers):
            raise ValueError(f"{len(self.movers)} movers for {len(self.teachers)} networks")

    @classmethod
    def of(
        cls,
        teachers: Sequence[Sequence[nn.Module]],
        device: torch.device,
        *,
        weight: float,
        temperature: float,
        perturb: float = 0.0,
        movers: Sequence[nn.Module] = (),
    ) -> Lesson:
        """Return the lesson of copies on a device; each network is copied once."""
        copies = {
            id(network): copy.deepcopy(network).to(device).eval()
            for row in (*teachers, movers)
            for network in row
        }
        rows = tuple(tuple(copies[id(network)] for network in row) for row in teachers)
        own = tuple(copies[id(network)] for network in movers)
        return cls(rows, weight, temperature, perturb, own)

    def only(self, rows: Sequence[int]) -> Lesson:
        """Return the lesson of these networks of the population."""
        return dataclasses.replace(
            self,
            teachers=tuple(self.teachers[row] for row in rows),
            movers=tuple(self.movers[row] for row in rows) if self.movers else (),
        )

    def draw(self, count: int, generator: torch.Generator) -> Tensor | None:
        """Return (count, 1) int64, what moves each sample of an epoch; None: they stay."""
        return draw_directions(count, generator) if self.perturb else None

    def asked(self, row: int, inputs: Tensor, changes: Tensor | None) -> Tensor:
        """Return the samples on which a network is compared with its teachers.

        Parameters
        ----------
        row
            Of the network.
        inputs
            (B, …) network input, which comes back itself where samples stay as they are.
        changes
            (B, K) int64; the last column is what `draw` drew. None, where nothing was drawn.
        """
        if not self.perturb:
            return inputs
        return moved(
            self.movers[row], inputs, drawn_in(changes),
            length=self.perturb, temperature=self.temperature,
        )  # fmt: skip

    @torch.no_grad()
    def answers(self, row: int, inputs: Tensor) -> Tensor:
        """Return (B, C) float32, the mean of the probabilities of a network's teachers.

        `inputs` are (B, …) network input.
        """
        asked = (teacher(inputs).float() / self.temperature for teacher in self.teachers[row])
        return torch.stack([logits.softmax(1) for logits in asked]).mean(0)


def taught_loss(labels: Tensor, logits: Tensor, answers: Tensor, lesson: Lesson) -> Tensor:
    """Return the loss of (B, C) logits by labels and by a teacher's answers (Hinton et al. 2015).

    Parameters
    ----------
    labels
        The mean loss by labels, in nats.
    logits
        (B, C) float32.
    answers
        (B, C) float32 probabilities at the lesson's temperature T.
    lesson
        Weighs T² times the Kullback-Leibler divergence of the network's probabilities at T from
        the answers, so that gradients are about as large at any T.

    Examples
    --------
    >>> logits, lesson = torch.tensor([[2.0, 0.0]]), Lesson((), weight=0.75, temperature=2.0)
    >>> taught_loss(torch.tensor(4.0), logits, (logits / 2).softmax(1), lesson).item()
    1.0
    """
    own = (logits / lesson.temperature).log_softmax(1)
    distance = nn.functional.kl_div(own, answers, reduction="batchmean")
    return (1 - lesson.weight) * labels + lesson.weight * lesson.temperature**2 * distance
