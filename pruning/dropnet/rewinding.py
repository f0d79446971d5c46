"""What the survivors of a round start from: Algorithm 1's "rewind to θ0", and its kin."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from pruning.core.seeds import torch_generator
from pruning.dropnet.settings import Rewinding
from pruning.inference.stackable import stackable
from pruning.networks.architecture import build_network
from pruning.networks.weights import load_weights, start_from
from pruning.training.recipe import Recipe
from pruning.training.training_loop import DeviceData, train


class FullWidth:
    """The full-width weights that each pruning round of a population is cut from.

    Parameters
    ----------
    rewinding
        How far back.
    arch, seeds
        Architecture; run number → seed.
    num_classes, input_shape
        Of the networks.
    data, recipe
        What late weights are trained with: the first epochs of round 0, in the order in
        which round 0 sees the samples.
    init
        Whose weights are θ0 for every run, in place of a draw (`pruning.networks.weights`).
    engine
        What round 0 trains with.
    """

    def __init__(
        self,
        rewinding: Rewinding,
        arch: str,
        seeds: Mapping[int, int],
        num_classes: int,
        input_shape: tuple[int, ...],
        data: DeviceData,
        recipe: Recipe,
        init: str | None = None,
        engine: str = "auto",
    ) -> None:
        self.rewinding = rewinding
        self.data, self.recipe, self.engine = data, recipe, engine
        self._seeds = dict(seeds)

        def build(seed: int, round_index: int) -> nn.Module:
            return build_network(arch, num_classes, input_shape, seed, round_index)

        self._build = build
        self.theta0 = {run: self._build(seed, 0) for run, seed in self._seeds.items()}
        if init is not None:
            for network in self.theta0.values():
                start_from(network, init)
        self._late: dict[int, nn.Module] = {}

    def weights(self, run: int, round_index: int) -> nn.Module:
        """Return the full-width network that the run's round is cut from; θ0 for round 0."""
        if round_index and self.rewinding.to == "random":
            return self.drawn(run, round_index)
        if round_index and self.rewinding.to == "late":
            return self._after_late_epochs()[run]
        return self.theta0[run]

    def drawn(self, run: int, key: int) -> nn.Module:
        """Return a new draw at full width; another key is another draw."""
        return self._build(self._seeds[run], key)

    @property
    def late_epochs(self) -> int | None:
        """Epochs of round 0 after which weights are late; None where none are wanted."""
        if self.rewinding.to != "late":
            return None
        network, samples = next(iter(self.theta0.values())), len(self.data.train_labels)
        resolved = self.recipe.resolved(plain_mlp=stackable(network), samples=samples)
        whole = resolved.max_epochs or 0
        return self.rewinding.late_epochs or max(1, whole // 4)

    def remember(self, weights: Mapping[int, Mapping[str, Tensor]]) -> None:
        """Take every run's late weights from the training of round 0, which passes them."""
        for run, state in weights.items():
            self._late[run] = load_weights(copy.deepcopy(self.theta0[run]), state).eval()

    def _after_late_epochs(self) -> dict[int, nn.Module]:
        """Train all of the population, whoever still runs: a resumed run finds the same."""
        if not self._late:
            networks = [self._on_device(self.theta0[run]) for run in self._seeds]
            recipe = dataclasses.replace(self.recipe, keep="last")
            generators = [torch_generator(seed, "batches") for seed in self._seeds.values()]
            train(
                networks, self.data, recipe, generators,
                engine=self.engine, epochs=self.late_epochs,
            )  # fmt: skip
            self._late = _by_run(self._seeds, networks)
        return self._late

    def _on_device(self, network: nn.Module) -> nn.Module:
        return copy.deepcopy(network).to(self.data.train_images.device)


def _by_run(runs: Mapping[int, int], networks: Sequence[nn.Module]) -> dict[int, nn.Module]:
    return {run: network.cpu() for run, network in zip(runs, networks, strict=True)}
