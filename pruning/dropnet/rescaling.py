"""Signals stay as strong when a network is cut down.

A layer drawn for n inputs and cut to k of them adds up k terms: the variance of its output
falls to about k / n, layer after layer, until the last layers read values near 0 and the
network never leaves chance. One factor per layer brings its outputs back to the strength
that they have at full width, measured on a few samples; layer-sequential unit-variance
initialisation brings them to variance 1 in the same way (Mishkin & Matas 2016). The
directions of the weights and the biases stay.

The layer that makes the logits is left alone: a network that has been cut down knows less,
and with logits as large as at full width it would begin the round sure of wrong answers.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from contextlib import ExitStack

import torch
from torch import Tensor, nn

from pruning.samples.scaling import Scaling
from pruning.surgery import Masks, UnitGroup
from pruning.surgery.cutting import kept_channels
from pruning.surgery.layer_kinds import PRODUCERS, channel_axis

FEW = 64
"""Samples on which the strength of signals is compared."""
MOST = 10.0
"""The largest factor by which a layer's weights may grow or shrink."""


@torch.no_grad()
def rescale(
    small: nn.Module, full: nn.Module, groups: Sequence[UnitGroup], masks: Masks, inputs: Tensor
) -> nn.Module:
    """Bring each hidden layer that lost inputs back to its strength at full width, in place.

    The strength is the root mean square of the layer's output, without its bias. The layer
    that is called last makes the logits and is left alone. So are layers that a batch norm
    follows: it brings the strength back by itself. Both networks are put into eval mode.

    Parameters
    ----------
    small, full
        The network cut down and the one that it was cut from.
    groups, masks
        As given to `shrink`.
    inputs
        (B, …) network input, a few samples.

    >>> from pruning.surgery import find_groups, shrink
    >>> net = nn.Sequential(*(nn.Linear(*size, bias=False) for size in ((1, 4), (4, 1), (1, 1))))
    >>> for layer in net:
    ...     _ = nn.init.ones_(layer.weight)
    >>> groups, masks = find_groups(net, (1,)), {"0": torch.arange(4) < 1, "1": torch.ones(1) > 0}
    >>> rescale(shrink(net, groups, masks), net, groups, masks, torch.ones(2, 1))[1].weight
    Parameter containing:
    tensor([[4.]], requires_grad=True)
    """
    kept = kept_channels(groups, masks)
    taps = [pair for group in groups for pair in zip(group.producers, group.taps, strict=True)]
    normed = {producer for producer, tap in taps if tap.norm}
    layers = {name: one for name, one in full.named_modules() if isinstance(one, PRODUCERS)}
    lost = {
        name
        for (name, side), channels in kept.items()
        if side == "in" and name in layers and name not in normed and not channels.all()
    }
    full.eval()
    small.eval()
    if not lost:
        return small
    called: list[str] = []
    wanted: dict[str, float] = {}
    with ExitStack() as hooks:
        for name, layer in layers.items():
            call = functools.partial(_call, name, called)
            hooks.callback(layer.register_forward_hook(call).remove)
        for name in lost:
            note = functools.partial(_note, name, kept.get((name, "out")), wanted)
            hooks.callback(layers[name].register_forward_hook(note).remove)
        full(inputs)
    with ExitStack() as hooks:
        for name in lost - {called[-1]}:
            match = functools.partial(_match, name, wanted)
            hooks.callback(small.get_submodule(name).register_forward_hook(match).remove)
        small(inputs)
    return small


def few_inputs(images: Tensor, scaling: Scaling) -> Tensor:
    """Return network input of a few samples, evenly spaced over all, on the CPU."""
    some = torch.linspace(0, len(images) - 1, min(FEW, len(images))).long()
    return scaling(images[some.to(images.device)].cpu())


def _call(name: str, called: list[str], *_: object) -> None:
    called.append(name)


def _note(
    name: str, made: Tensor | None, wanted: dict[str, float],
    module: nn.Module, _: object, output: Tensor,
) -> None:  # fmt: skip
    """Note the strength, at full width, of the channels that the small network makes."""
    plain = _without_bias(module, output)
    if made is not None:
        plain = plain.index_select(channel_axis(module, output.ndim), made.nonzero().flatten())
    wanted[name] = _strength(plain)


def _match(
    name: str, wanted: dict[str, float], module: nn.Module, _: object, output: Tensor
) -> Tensor:
    """Scale the weights to the strength wanted, and this output with them."""
    plain = _without_bias(module, output)
    found = _strength(plain)
    factor = min(max(wanted[name] / found, 1 / MOST), MOST) if found > 0 else 1.0
    module.get_parameter("weight").mul_(factor)
    return output + (factor - 1) * plain


def _without_bias(module: nn.Module, output: Tensor) -> Tensor:
    bias = module.bias
    if not isinstance(bias, Tensor):
        return output
    shape = [1] * output.ndim
    shape[channel_axis(module, output.ndim)] = -1
    return output - bias.view(shape)


def _strength(values: Tensor) -> float:
    return float(values.double().square().mean().sqrt())
