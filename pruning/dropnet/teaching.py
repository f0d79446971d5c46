"""Who teaches pruned networks beside the labels, as a value; no torch is needed to say it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pruning.core.errors import RequestError
from pruning.core.option_checks import check_options
from pruning.core.options import option

Teacher = Literal["none", "own", "ensemble"]


@dataclass(frozen=True)
class Teaching:
    """Distillation (Hinton et al. 2015): pruned networks learn what unpruned ones answer.

    ``"own"`` is each run's unpruned network, so that members stay as different as those are;
    ``"ensemble"`` the mean of the probabilities of all. A teacher answers to the same samples as
    the network that it teaches, augmented alike.

    With `perturb` teacher and network are compared on samples moved to where unpruned networks
    disagree (Nam et al. 2021; `pruning.training.perturbation`): each run's own unpruned network
    says where to, by either teacher. The labels are asked of samples that stay. `perturb` is the
    root mean square of what the step changes a sample's values by, in network input, where the
    paper takes 1/255 of the range of pixels: 0.004 for images of values from 0 to 1, about 0.016
    for photos whose channels have deviation 1; values of features have deviation 1, too.
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
    perturb: float = option(
        0.0,
        "How far samples are moved, to where unpruned networks disagree, before teacher and "
        "network are compared on them: root mean square of the change, in network input.",
        least=0, before=0.0,
    )  # fmt: skip

    def __post_init__(self) -> None:
        check_options(self)
        if self.perturb and self.teacher == "none":
            raise RequestError(
                f"`perturb` {self.perturb:g} moves samples for a teacher, and there is none; leave "
                "it out, or ask for `teacher` 'own' or 'ensemble'"
            )
