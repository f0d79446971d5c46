"""Who teaches pruned networks beside the labels, as a value; no torch is needed to say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pruning.core.option_checks import check_options
from pruning.core.options import option

Teacher = Literal["none", "own", "ensemble"]


@dataclass(frozen=True)
class Teaching:
    """Distillation (Hinton et al. 2015): pruned networks learn what unpruned ones answer.

    ``"own"`` is each run's unpruned network, so that members stay as different as those are;
    ``"ensemble"`` the mean of the probabilities of all. A teacher answers to the same samples as
    the network that it teaches, augmented alike.
    """

    teacher: Teacher = option(
        "none",
        "Who teaches pruned networks beside the labels: own, each run's unpruned network; "
        "ensemble, all unpruned ones, each asked in every step.",
        before="none",
    )
    weight: float = option(
        0.9, "What the teacher counts in the loss, the labels the rest.", above=0, most=1,
        flag=None, before=0.9,
    )  # fmt: skip
    temperature: float = option(
        2.0, "By what logits are divided, the teacher's and the network's.", above=0, flag=None,
        before=2.0,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_options(self)
