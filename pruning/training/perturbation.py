"""Samples moved to where networks disagree, so that pupils learn there what teachers differ in.

Output diversified sampling (Tashiro et al. 2020), as Nam, Yoon, Lee & Lee 2021 ("Diversity Matters
When Learning From Ensembles", NeurIPS) use it in distillation: on samples that they were trained
on teachers agree, so that pupils who learn there become alike. A short step along which one teacher
changes its answer in a random direction leads to where the others answer otherwise.

Theirs are the step, the temperature (the lesson's own), and what the loss sees: labels are asked of
samples as they are, teacher and pupil compared on moved ones. Ours: the step is taken in network
input and not clipped to what pixels can be, its teacher is each run's own unpruned network instead
of one drawn for each batch, and w comes of a number that is drawn with the order of the samples.
Their variant that scales the step by the teacher's confidence (ConfODS) is left out.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from pruning.core.errors import RequestError

Logits = Callable[[Tensor], Tensor]
"""(B, …) network input → (B, C) logits, each sample's from itself alone."""

FAINTEST = 1e-18
"""A gradient's length below which the step becomes shorter: float32 can square little less."""

_NEXT, _FACTORS = 0x9E3779B97F4A7C15 - 2**64, (
    (30, 0xBF58476D1CE4E5B9 - 2**64),
    (27, 0x94D049BB133111EB - 2**64),
)  # fmt: skip


def draw_directions(count: int, generator: torch.Generator) -> Tensor:
    """Return (count, 1) int64, 0 and more: of which `directions` makes each sample's w."""
    return torch.randint(0, 2**63 - 1, (count, 1), generator=generator)


def drawn_in(changes: Tensor | None) -> Tensor:
    """Return the (B,) last column of (B, K) changes, where an engine finds what was drawn.

    Raises
    ------
    ValueError
        If it was told of none.
    """
    if changes is None:
        raise ValueError("a lesson that moves samples reads what it drew, as `changes`")
    return changes[:, -1]


def directions(drawn: Tensor, classes: int) -> Tensor:
    """Return (B, classes) float32, uniform in [-1, 1), for (B,) int64 numbers drawn.

    What splitmix64 (Steele et al. 2014) begins with at each number, so that an epoch's draws take
    eight bytes a sample however many classes there are, and every device makes the same of them.

    >>> found = directions(torch.tensor([3, 4, 3]), classes=10)
    >>> found[0].equal(found[2]), found[0].equal(found[1]), bool((found.abs() <= 1).all())
    (True, False, True)
    """
    upper = _splitmix64(drawn.unsqueeze(1), classes) >> 40  # 24 bits, which float32 holds
    return upper.float() / 2**23


def _splitmix64(seeds: Tensor, count: int) -> Tensor:
    """Return (B, count) int64, the first outputs for (B, 1) seeds; products wrap around."""
    mixed = seeds + torch.arange(1, count + 1, device=seeds.device) * _NEXT
    for shift, factor in _FACTORS:
        mixed = (mixed ^ _shifted(mixed, shift)) * factor
    return mixed ^ _shifted(mixed, 31)


def _shifted(values: Tensor, bits: int) -> Tensor:
    """Shift to the right, zeros coming in."""
    return (values >> bits) & ((1 << (64 - bits)) - 1)


def moved(
    logits_of: Logits, inputs: Tensor, drawn: Tensor, *, length: float, temperature: float
) -> Tensor:
    """Return samples a step further in the direction in which a network's wᵀp grows fastest.

    p are its probabilities at a temperature, w the sample's own `directions`.

    Parameters
    ----------
    logits_of
        What answers; it takes no note of the gradient.
    inputs
        (B, …) float32 network input.
    drawn
        (B,) int64, from `draw_directions`, on the same device.
    length
        Of the step: the root mean square of what it changes the sample's values by, in their
        unit; so it means the same for samples of any size. The step's Euclidean length is this
        times the root of their number.
    temperature
        By what logits are divided, positive.

    Returns
    -------
    Tensor
        (B, …) float32, detached. A sample whose answer nothing changes stays where it is.

    Raises
    ------
    RequestError
        If the network reads its input in a way that has no gradient, such as by whole numbers.

    >>> at = moved(lambda x: x, torch.zeros(1, 2), torch.tensor([7]), length=0.5, temperature=1.0)
    >>> [round(value, 3) for value in at.abs().flatten().tolist()]
    [0.5, 0.5]
    """
    with torch.enable_grad():
        asked = inputs.detach().requires_grad_()
        answers = (logits_of(asked).float() / temperature).softmax(1)
        towards = (directions(drawn, answers.shape[1]) * answers).sum()
        (gradient,) = torch.autograd.grad(towards, asked, allow_unused=True)
    if gradient is None:
        raise RequestError(
            "`perturb` needs networks whose answers have a gradient by their input, and this one's "
            "have none; leave it out"
        )
    axes = tuple(range(1, inputs.ndim))
    size = torch.linalg.vector_norm(gradient, dim=axes, keepdim=True).clamp_min(FAINTEST)
    step: Tensor = gradient * (length * inputs[0].numel() ** 0.5 / size)
    return inputs + step
