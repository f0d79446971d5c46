"""Means over the training data of what a score observes, such as |activation|, in one sweep."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.core.errors import RequestError, unknown_name
from pruning.inference.layout import Layout
from pruning.samples.stored import StoredSamples
from pruning.scores.metric_names import SUFFIX, own_metric, split_metric
from pruning.scores.own import OwnScore
from pruning.scores.score import SCORES, Layer, Score, UnitView
from pruning.surgery import UnitGroup, full_masks
from pruning.surgery.groups import PrunedNetwork, Tap

Means = Mapping[str, Tensor]
"""Producer → (n,) or (n, k) float64: mean over the samples of what a score observed."""


def parse_metric(metric: str) -> tuple[Score, bool]:
    """Return the score of a metric's name, and whether units are ranked within layers.

    A class of the user's own (``"module:Class"``) is made an instance of.

    >>> parse_metric("minimum_layer")[1]
    True
    """
    name, per_layer = split_metric(metric)
    if name not in SCORES:
        raise unknown_name("metric", metric, metric_names())
    score = SCORES[name]
    if not own_metric(name):
        return score, per_layer
    return OwnScore.made(score, metric), per_layer


def metric_names() -> tuple[str, ...]:
    """Return every metric: each score, ranked over all layers and within each."""
    return tuple(name + suffix for name in SCORES for suffix in ("", SUFFIX))


def check_metric(metric: str, network: nn.Module, groups: Sequence[UnitGroup]) -> None:
    """Raise `RequestError` if the network lacks what the metric looks at."""
    score, _ = parse_metric(metric)
    kind = type(score.score if isinstance(score, OwnScore) else score)
    if (kind.importance, kind.layer_importance) == (Score.importance, Score.layer_importance):
        raise RequestError(
            f"metric {metric!r} does not say how important a unit is: "
            f"{kind.__name__} needs a layer_importance"
        )
    whole = PrunedNetwork(network, tuple(groups), full_masks(groups))
    for group in groups:
        score.check(_layers(whole, group, {}))


def importances(
    pruned: PrunedNetwork,
    score: Score,
    samples: StoredSamples,
    *,
    generator: torch.Generator,
    means: Means | None = None,
    batch_size: int | None = None,
) -> dict[str, Tensor]:
    """Return each group's importances at full width, in eval mode, on unaugmented data.

    Parameters
    ----------
    pruned
        A trained network, and which units of full width it still holds.
    score
        From the registry.
    samples
        Training samples on the network's device; with labels for a score of the gradient.
    generator
        For scores that draw.
    means
        What the score has observed of this network already, in place of a sweep
        (`pruning.scores.stacked_sweep`).
    batch_size
        Samples per forward pass; None: as many as suit the network
        (`pruning.inference.layout`).

    Returns
    -------
    dict
        Group name → (units,) float64 on the CPU; dropped units hold 0.

    Raises
    ------
    ValueError
        If the score needs labels and there are none.
    """
    if score.needs_gradient and samples.labels is None:
        raise ValueError("a score of the loss's gradient needs the samples' labels")
    if means is None:
        means = _sweep(pruned, score, samples, batch_size)
    full: dict[str, Tensor] = {}
    for group in pruned.groups:
        mask = pruned.masks[group.name]
        view = UnitView(int(mask.sum()), _layers(pruned, group, means), generator)
        full[group.name] = torch.zeros(group.size, dtype=torch.float64)
        full[group.name][mask] = score.importance(view).double().cpu()
    return full


def _sweep(
    pruned: PrunedNetwork, score: Score, samples: StoredSamples, batch_size: int | None
) -> Means:
    if not score.needs_sweep:
        return {}
    network, sums = pruned.network, _Sums(score)
    layout = Layout.of(network, samples.inputs(slice(1)))
    with ExitStack() as stack:
        for group in pruned.groups:
            for producer, tap in zip(group.producers, group.taps, strict=True):
                module = network.get_submodule(tap.module)
                stack.callback(module.register_forward_hook(sums.hook(producer, tap)).remove)
        stack.enter_context(torch.set_grad_enabled(score.needs_gradient))
        network.eval()
        for part in layout.parts(len(samples), batch_size):
            inputs = layout.batch(samples.inputs(part))
            logits = network(inputs.requires_grad_(score.needs_gradient))
            sums.add_gradients(logits, None if samples.labels is None else samples.labels[part])
    return sums.means(len(samples))


class _Sums:
    """Adds up what a score observes at each producer, batch by batch.

    A value is looked at when it is made: what follows may change it in place, as torchvision's
    residual sums do (``out += identity``).
    """

    def __init__(self, score: Score) -> None:
        self._score = score
        self._totals: dict[str, Tensor] = {}
        self._outputs: dict[str, tuple[Tap, Tensor]] = {}

    def hook(self, producer: str, tap: Tap) -> Callable[[nn.Module, object, Tensor], Tensor | None]:
        """Return the forward hook that looks at a producer's value."""

        def note(module: nn.Module, inputs: object, output: Tensor) -> Tensor | None:
            if not self._score.needs_gradient:
                self._enter(producer, self._score.observe(tap(output)))
                return None
            self._outputs[producer] = (tap, output)
            return output.clone()  # this value stays for its gradient; what follows takes a copy

        return note

    def add_gradients(self, logits: Tensor, labels: Tensor | None) -> None:
        """Observe the gradients of the batch that just passed, where the score asks for them."""
        if self._score.needs_gradient and labels is not None:
            self._add_gradients(F.cross_entropy(logits, labels, reduction="sum"))
        self._outputs.clear()

    def _add_gradients(self, loss: Tensor) -> None:
        outputs = [output for _, output in self._outputs.values()]
        gradients = torch.autograd.grad(loss, outputs, materialize_grads=True)
        for (producer, (tap, output)), gradient in zip(
            self._outputs.items(), gradients, strict=True
        ):
            channels_first = (t.detach().movedim(tap.axis, 1) for t in (output, gradient))
            self._enter(producer, self._score.observe_gradient(*channels_first))

    def means(self, samples: int) -> Means:
        """Return producer → means over all samples."""
        return {producer: total / samples for producer, total in self._totals.items()}

    def _enter(self, producer: str, sums: Tensor) -> None:
        self._totals[producer] = self._totals[producer] + sums if producer in self._totals else sums


def _layers(pruned: PrunedNetwork, group: UnitGroup, means: Means) -> tuple[Layer, ...]:
    """Return the producers of a group as they stand in the smaller network."""
    mask, found = pruned.masks[group.name], []
    for producer, tap in zip(group.producers, group.taps, strict=True):
        owner = group.owner(producer, "out")
        owner = owner[(owner < 0) | mask[owner.clamp(min=0)]]
        units = torch.where(owner >= 0, mask.cumsum(0)[owner.clamp(min=0)] - 1, -1)
        norm = pruned.network.get_submodule(tap.norm) if tap.norm else None
        module = pruned.network.get_submodule(producer)
        found.append(Layer(producer, module, norm, units, means.get(producer)))
    return tuple(found)
