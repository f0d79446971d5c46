"""All asked-for scores of a network in one forward sweep over the training data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from pruning.core.errors import RequestError, unknown_name
from pruning.inference.layout import Layout
from pruning.samples.scaling import Scaling
from pruning.scores.metric_names import SUFFIX, split_metric
from pruning.scores.score import SCORES, Layer, Score, UnitView
from pruning.surgery import Masks, UnitGroup
from pruning.surgery.groups import Tap

Means = Mapping[str, Tensor]
"""Producer → (n,) or (n, k) float64: mean over the samples of what a score observed."""


def parse_metric(metric: str) -> tuple[Score, bool]:
    """Return the score of a metric's name, and whether units are ranked per layer.

    A class of the user's own (``"module:Class"``) is made an instance of.

    >>> parse_metric("minimum_layer")[1]
    True
    """
    name, per_layer = split_metric(metric)
    if name not in SCORES:
        raise unknown_name("metric", metric, metric_names())
    score = SCORES[name]
    return score() if isinstance(score, type) else score, per_layer


def metric_names() -> tuple[str, ...]:
    """Return every metric: each score, globally and per layer."""
    return tuple(name + suffix for name in SCORES for suffix in ("", SUFFIX))


def check_metric(metric: str, network: nn.Module, groups: Sequence[UnitGroup]) -> None:
    """Raise `RequestError` if the network lacks what the metric looks at."""
    score, _ = parse_metric(metric)
    kind = type(score)
    if (kind.importance, kind.layer_importance) == (Score.importance, Score.layer_importance):
        raise RequestError(
            f"metric {metric!r} does not say how important a unit is: "
            f"{kind.__name__} needs a layer_importance"
        )
    for group in groups:
        mask = torch.ones(group.size, dtype=torch.bool)
        taps = zip(group.producers, group.taps, strict=True)
        score.check([_layer(network, group, name, tap, mask, None) for name, tap in taps])


def importances(
    network: nn.Module,
    groups: Sequence[UnitGroup],
    masks: Masks,
    score: Score,
    images: Tensor,
    scaling: Scaling,
    *,
    generator: torch.Generator,
    labels: Tensor | None = None,
    seen: Means | None = None,
    batch_size: int | None = None,
) -> dict[str, Tensor]:
    """Return each group's importances at full width, in eval mode, on unaugmented data.

    Parameters
    ----------
    network
        The physically smaller network under `masks`, trained.
    groups, masks
        The full-width groups and which of their units the network still holds.
    score
        From the registry.
    images
        (N, C, H, W) uint8 or (N, F) float32 training samples, on the network's device.
    scaling
        Makes network input of them.
    generator
        For scores that draw.
    labels
        (N,) int64 class indices, for scores that look at the loss's gradient.
    seen
        What `pruning.scores.stacked_sweep` has seen of this network, in place of a sweep.
    batch_size
        Samples a forward pass; None: as many as suit the network (`pruning.inference.layout`).

    Returns
    -------
    dict
        Group name → (units,) float64 on the CPU; dropped units hold 0.

    Raises
    ------
    ValueError
        If the score needs labels and there are none.
    """
    if score.needs_gradient and labels is None:
        raise ValueError("a score of the loss's gradient needs the samples' labels")
    if seen is None:
        seen = _sweep(network, groups, score, images, scaling, labels, batch_size)
    full: dict[str, Tensor] = {}
    for group in groups:
        mask = masks[group.name]
        layers = tuple(
            _layer(network, group, producer, tap, mask, seen.get(producer))
            for producer, tap in zip(group.producers, group.taps, strict=True)
        )
        full[group.name] = torch.zeros(group.size, dtype=torch.float64)
        values = score.importance(UnitView(int(mask.sum()), layers, generator))
        full[group.name][mask] = values.double().cpu()
    return full


def _sweep(
    network: nn.Module,
    groups: Sequence[UnitGroup],
    score: Score,
    images: Tensor,
    scaling: Scaling,
    labels: Tensor | None,
    batch_size: int | None,
) -> Means:
    if not score.needs_sweep:
        return {}
    sums = _Sums(score)
    with ExitStack() as stack:
        for group in groups:
            for producer, tap in zip(group.producers, group.taps, strict=True):
                module = network.get_submodule(tap.module)
                hook = module.register_forward_hook(sums.watcher(producer, tap))
                stack.callback(hook.remove)
        stack.enter_context(torch.set_grad_enabled(score.needs_gradient))
        network.eval()
        layout = Layout.of(network, images.device)
        for part in layout.parts(len(images), batch_size):
            inputs = layout.batch(scaling(images[part]))
            logits = network(inputs.requires_grad_(score.needs_gradient))
            sums.add(logits, None if labels is None else labels[part])
    return sums.means(len(images))


class _Sums:
    """Adds up what a score observes at each producer, batch by batch."""

    def __init__(self, score: Score) -> None:
        self._score = score
        self._totals: dict[str, Tensor] = {}
        self._seen: dict[str, tuple[Tap, Tensor]] = {}

    def watcher(self, producer: str, tap: Tap) -> Any:
        """Return the forward hook of a producer's tap."""

        def watch(module: nn.Module, inputs: object, output: Tensor) -> None:
            self._seen[producer] = (tap, output if self._score.needs_gradient else tap(output))

        return watch

    def add(self, logits: Tensor, labels: Tensor | None) -> None:
        """Observe the batch that just passed."""
        if self._score.needs_gradient and labels is not None:
            loss = F.cross_entropy(logits, labels, reduction="sum")
            outputs = [output for _, output in self._seen.values()]
            slopes = torch.autograd.grad(loss, outputs, materialize_grads=True)
            for (producer, (tap, output)), slope in zip(self._seen.items(), slopes, strict=True):
                moved = (t.detach().movedim(tap.axis, 1) for t in (output, slope))
                self._enter(producer, self._score.observe_gradient(*moved))
        else:
            for producer, (_, value) in self._seen.items():
                self._enter(producer, self._score.observe(value))
        self._seen.clear()

    def means(self, samples: int) -> Means:
        """Return producer → means over all samples."""
        return {producer: total / samples for producer, total in self._totals.items()}

    def _enter(self, producer: str, sums: Tensor) -> None:
        self._totals[producer] = self._totals[producer] + sums if producer in self._totals else sums


def _layer(
    network: nn.Module,
    group: UnitGroup,
    producer: str,
    tap: Tap,
    mask: Tensor,
    means: Tensor | None,
) -> Layer:
    """Return a producer as it stands in the smaller network."""
    owner = group.owner(producer, "out")
    owner = owner[(owner < 0) | mask[owner.clamp(min=0)]]
    units = torch.where(owner >= 0, mask.cumsum(0)[owner.clamp(min=0)] - 1, -1)
    norm = network.get_submodule(tap.norm) if tap.norm else None
    return Layer(producer, network.get_submodule(producer), norm, units, means)
