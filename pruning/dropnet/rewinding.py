"""What survivors start from at full width: θ0, a new draw, or what a few epochs made of it."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor, nn

from pruning.core.seeds import torch_generator
from pruning.core.stages import Stages
from pruning.dropnet.population import Population
from pruning.dropnet.settings import Rewinding
from pruning.networks.weights import load_weights
from pruning.training.checkpoint import TrainingState
from pruning.training.trained import Trained
from pruning.training.training_loop import EpochHook, Training, resolved_recipe, train

ProgressHook = Callable[[int, int, list[int]], None]
"""Called with round, epoch and the run numbers still training."""

LATE = "late"
"""What the training of late weights by themselves is called."""


class FullWidth:
    """The full-width weights that each pruning round of a population is cut from.

    Parameters
    ----------
    population
        The runs and their networks.
    training
        What late weights are trained with: the first epochs of round 0, in the order in
        which round 0 reads the samples.
    rewinding
        How far back.
    on_epoch
        Told where late weights are trained anew.
    stages
        Counts the seconds of that, too.
    """

    def __init__(
        self,
        population: Population,
        training: Training,
        rewinding: Rewinding,
        on_epoch: ProgressHook | None = None,
        stages: Stages | None = None,
    ) -> None:
        self.population, self.training, self.rewinding = population, training, rewinding
        self._on_epoch, self._stages = on_epoch, stages or Stages()
        self.theta0 = population.theta0()
        self._late: dict[int, nn.Module] = {}

    def weights(self, run: int, round_index: int) -> nn.Module:
        """Return the full-width network that the run's round is cut from; θ0 for round 0."""
        if round_index and self.rewinding.to == "random":
            return self.population.draw(run, round_index)
        if round_index and self.rewinding.to == "late":
            return self._after_late_epochs()[run]
        return self.theta0[run]

    def weights_of_attempt(self, run: int, key: int) -> nn.Module:
        """Return what another attempt is cut from: a new draw, unless the weights are given."""
        if self.population.weights_are_given:
            return self.weights(run, key)
        return self.population.draw(run, key)

    @property
    def late_epochs(self) -> int | None:
        """Epochs of the recipe that are late; None where none are wanted."""
        recipe = resolved_recipe(self.training, next(iter(self.theta0.values())))
        return self.rewinding.late_part_of(recipe.max_epochs or 0)

    def remember(self, weights: Mapping[int, Mapping[str, Tensor]]) -> None:
        """Take every run's late weights from the training of round 0, which passes them."""
        for run, state in weights.items():
            self._late[run] = load_weights(copy.deepcopy(self.theta0[run]), state).eval()
        if (checkpoints := self.training.checkpoints) and self.late_epochs:
            passed = [Trained(weights=dict(weights[run])) for run in self.population.runs.numbers]
            checkpoints.finished(LATE, TrainingState(self.late_epochs, (), passed))

    def _after_late_epochs(self) -> dict[int, nn.Module]:
        """Train all of the population, whoever still runs: a resumed run finds the same."""
        if not self._late:
            runs, device = self.population.runs, self.training.data.train_images.device
            networks = [copy.deepcopy(self.theta0[run]).to(device) for run in runs.numbers]
            recipe = dataclasses.replace(self.training.recipe, keep="last")
            with self._stages("training"):
                train(
                    networks,
                    [torch_generator(seed, "batches") for seed in runs.seeds],
                    dataclasses.replace(self.training, recipe=recipe),
                    epochs=self.late_epochs,
                    on_epoch=of_round(self._on_epoch, 0, runs.numbers),
                    name=LATE,
                )
            trained = zip(runs.numbers, networks, strict=True)
            self._late = {run: network.cpu() for run, network in trained}
        return self._late


def of_round(hook: ProgressHook | None, round_index: int, runs: Sequence[int]) -> EpochHook | None:
    """Return what tells a hook of the epochs of a training of these runs."""
    return hook and (lambda epoch, rows: hook(round_index, epoch, [runs[r] for r in rows]))
