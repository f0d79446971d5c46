"""A network of the user's, or a function that makes one, in place of an architecture's name."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable

import torch
from torch import Tensor, nn

from pruning.core.errors import RequestError


def copied(network: nn.Module) -> nn.Module:
    """Return a copy on the CPU, its floating-point numbers in float32."""
    return copy.deepcopy(network).cpu().float()


def redrawn(network: nn.Module) -> nn.Module:
    """Draw the weights anew, in place, as each layer's ``reset_parameters`` does; return it.

    Numbers come from torch's current generator. Batch norms forget what they have seen.

    Raises
    ------
    RequestError
        If a module holds parameters and has no ``reset_parameters``.
    """
    for name, module in network.named_modules():
        reset = getattr(module, "reset_parameters", None)
        if callable(reset):
            reset()
        elif next(module.parameters(recurse=False), None) is not None:
            raise RequestError(
                f"module {name!r} ({type(module).__name__}) has no reset_parameters, by which its "
                "weights could be drawn anew; add one, give a function that makes the network, "
                "or rewind to 'late' or 'initial'"
            )
    return network


def call_factory(
    factory: Callable[..., object], num_classes: int, input_shape: tuple[int, ...]
) -> object:
    """Return what a function makes, called in the way that its parameters ask for.

    It is called with ``(num_classes, input_shape)`` if its first parameter is called
    ``num_classes`` or some parameter must be given, else with nothing.

    >>> call_factory(lambda classes, shape: (classes, shape), 3, (5,))
    (3, (5,))
    >>> call_factory(lambda width=40: width, 3, (5,))
    40
    """
    parameters = list(inspect.signature(factory).parameters.values())
    named = bool(parameters) and parameters[0].name == "num_classes"
    if named or any(parameter.default is parameter.empty and parameter.kind in _BY_PLACE
                    for parameter in parameters):  # fmt: skip
        return factory(num_classes, input_shape)
    return factory()


_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@torch.no_grad()
def check_logits(
    name: str, network: nn.Module, num_classes: int, input_shape: tuple[int, ...]
) -> None:
    """Raise `RequestError` if the network does not map samples to so many logits."""
    was_training = network.training
    try:
        logits = network.eval()(torch.zeros(1, *input_shape))
    except Exception as error:
        raise RequestError(
            f"network {name!r} cannot read samples of shape {input_shape}: "
            f"{type(error).__name__}: {' '.join(str(error).split())}"
        ) from error
    finally:
        network.train(was_training)
    if not isinstance(logits, Tensor):
        raise RequestError(
            f"network {name!r} returns {type(logits).__name__}; expected one tensor, the logits"
        )
    if logits.shape != (1, num_classes):
        raise RequestError(
            f"network {name!r} makes outputs of shape {tuple(logits.shape[1:])} per sample; "
            f"expected ({num_classes},), one logit for each class"
        )
