"""What people's networks are brought to: plain float32 layers that answer logits.

What only says how a weight is held is folded into the weight: weight norm, the masks of
`torch.nn.utils.prune`, half and double precision. Lazy layers take their sizes from one sample.
Where a network answers more than logits, or logits in another form, a forward hook picks them.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize, prune, remove_weight_norm

from pruning.core.errors import RequestError

NAMED = ("logits", "out")
"""Entries of a dictionary that are its logits: transformers' and torchvision's names."""

_PARTS = {"weight norm": ("_g", "_v"), "prune's mask": ("_orig", "_mask")}


@dataclass(frozen=True)
class PickLogits:
    """A forward hook that makes (N, C) logits of what a network answers.

    Attributes
    ----------
    name
        Of the network, for messages.
    num_classes
        C.

    >>> pick = PickLogits("net", 2)
    >>> pick(None, (torch.zeros(3, 5),), {"logits": torch.ones(3, 2, 1, 1)}).shape
    torch.Size([3, 2])
    """

    name: str
    num_classes: int

    def __call__(self, module: object, inputs: tuple[Any, ...], output: object) -> Tensor:
        """Return the logits; a `RequestError` where none are recognised."""
        answers = _answers(output)
        if not answers:
            raise RequestError(
                f"network {self.name!r} returns {type(output).__name__}; expected one tensor, the "
                "logits, or a tuple that has them first, or a dictionary with 'logits'"
            )
        samples = inputs[0].shape[0]
        found = [one for answer in answers if (one := self._logits(answer, samples)) is not None]
        if not found:
            raise RequestError(
                f"network {self.name!r} makes outputs of shape {tuple(answers[0].shape[1:])} per "
                f"sample; expected ({self.num_classes},), one logit for each class"
            )
        return found[0]

    def _logits(self, answer: Tensor, samples: int) -> Tensor | None:
        """Return (N, C) logits if these numbers are such; one logit is the second class's."""
        wanted = (self.num_classes, 1) if self.num_classes == 2 else (self.num_classes,)
        if answer.ndim < 2:  # squeezed, by which a single sample loses its axis too
            width, rest = divmod(answer.numel(), samples)
        else:
            width, rest = answer.shape[1], math.prod(answer.shape[2:]) - 1
        if width not in wanted or rest:
            return None
        logits = answer.reshape(-1, width)  # whatever the batch: an export keeps this, too
        if width == self.num_classes:
            return logits
        return torch.cat([torch.zeros_like(logits), logits], 1)


def folded(network: nn.Module) -> nn.Module:
    """Make plain float32 parameters of what is held in parts or in other numbers, in place."""
    network.float()
    for fold in _folds(network):
        fold()
    return network


def adapted(
    network: nn.Module, name: str, num_classes: int, input_shape: tuple[int, ...]
) -> nn.Module:
    """Bring a network, in place, to one that answers logits; return it.

    It runs once: layers that are lazy, or made when they are first called, take their sizes from
    that, and their numbers from torch's current generator. It then runs in training mode, in
    which a network may answer otherwise; a copy does, and a run that fails is left to training.

    Raises
    ------
    RequestError
        If it cannot read such samples, or no logits are found in what it answers.
    """
    pick, modes = PickLogits(name, num_classes), [(m, m.training) for m in network.modules()]
    sample = torch.zeros(1, *input_shape)
    try:
        with torch.no_grad():
            answer = network.eval()(sample)
        for module, training in modes:
            module.training = training
        as_wanted = isinstance(answer, Tensor) and answer.shape == (1, num_classes)
        if not as_wanted:
            pick(network, (sample,), answer)
        if not as_wanted or not _trains_so(copy.deepcopy(network), sample, num_classes):
            network.register_forward_hook(pick)
    except RequestError:
        raise
    except Exception as error:
        raise RequestError(
            f"network {name!r} cannot read samples of shape {input_shape}"
            f"{_place(network, sample)}: {type(error).__name__}: {' '.join(str(error).split())}"
        ) from error
    return network


def _place(network: nn.Module, sample: Tensor) -> str:
    """Return in which layer a failing run fails, for a message; empty where that is not known."""
    running: list[str] = []
    hooks = [
        hook
        for name, module in network.named_modules()
        for hook in (
            module.register_forward_pre_hook(lambda *_, name=name: running.append(name)),
            module.register_forward_hook(lambda *_: (running.pop(), None)[1]),
        )
    ]
    with contextlib.suppress(Exception), torch.no_grad():
        network(sample)
    for hook in hooks:
        hook.remove()
    return f" (in layer {running[-1]!r})" if running and running[-1] else ""


def _trains_so(copied: nn.Module, sample: Tensor, num_classes: int) -> bool:
    """Whether it answers logits, one tensor of them, in training mode too."""
    try:
        with torch.no_grad():
            answer = copied.train()(torch.cat([sample, sample]))
    except Exception:  # the rehearsal's training steps say what fails, by its layer
        return True
    return isinstance(answer, Tensor) and answer.shape == (2, num_classes)


def peculiarities(network: nn.Module) -> tuple[str, ...]:
    """Return, in a line each, what of a network as it was made is brought into another form."""
    kinds = {str(p.dtype).removeprefix("torch.") for p in network.parameters()} - {"float32"}
    lines = [f"numbers in {kind} are trained as float32" for kind in sorted(kinds)]
    return (*lines, *(fold.told for fold in _folds(network)))


@dataclass(frozen=True)
class _Fold:
    """One tensor of one module that is held in parts."""

    layer: str
    module: nn.Module
    tensor: str
    kind: str

    @property
    def told(self) -> str:
        return f"{self.kind} of {self.layer}.{self.tensor} is folded into it"

    def __call__(self) -> None:
        """Make it one plain parameter."""
        if self.kind == "prune's mask":
            prune.remove(self.module, self.tensor)  # type: ignore[no-untyped-call]
        elif parametrize.is_parametrized(self.module, self.tensor):
            # torch takes the property off the class, which a copied module shares with its model.
            own = type(self.module)
            self.module.__class__ = type(own.__name__, own.__bases__, dict(vars(own)))
            parametrize.remove_parametrizations(self.module, self.tensor)
        else:
            remove_weight_norm(self.module, self.tensor)


def _folds(network: nn.Module) -> list[_Fold]:
    """Return what of a network is held in parts and can be folded; nothing is done yet."""
    found = []
    for layer, module in network.named_modules():
        held = {name for name, _ in module.named_parameters(recurse=False)}
        held |= {name for name, _ in module.named_buffers(recurse=False)}
        for kind, (first, second) in _PARTS.items():
            names = [n.removesuffix(first) for n in sorted(held) if n.endswith(first)]
            found += [_Fold(layer, module, n, kind) for n in names if n + second in held]
        if parametrize.is_parametrized(module):
            found += [
                _Fold(layer, module, name, "weight norm")
                for name, steps in module.parametrizations.items()
                if [type(step).__name__ for step in steps] == ["_WeightNorm"]
            ]
    return found


def _answers(output: object) -> list[Tensor]:
    """Return the tensors among which the logits are, the likeliest first."""
    if isinstance(output, Tensor):
        return [output]
    if isinstance(output, Mapping):
        named = [output[name] for name in NAMED if name in output]
        output = named[:1] or list(output.values())
    if isinstance(output, tuple | list):
        return [value for value in output if isinstance(value, Tensor)]
    return []
