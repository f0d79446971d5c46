"""A network of the user's, or a function that makes one, in place of an architecture's name."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable

from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.networks.adapting import folded


def copied(network: nn.Module) -> nn.Module:
    """Return a copy on the CPU, of plain float32 parameters (`pruning.networks.adapting`).

    Raises
    ------
    RequestError
        If it cannot be copied.
    """
    # What was computed with gradients, such as a weight under the old weight norm or features
    # that a module keeps, cannot be copied as it is.
    computed = {
        id(value): value.detach().clone()
        for module in network.modules()
        for value in vars(module).values()
        if isinstance(value, Tensor) and not value.is_leaf
    }
    try:
        return folded(copy.deepcopy(network, dict(computed)).cpu())
    except Exception as error:
        raise RequestError(
            f"network {type(network).__name__!r} cannot be copied: {type(error).__name__}: "
            f"{' '.join(str(error).split())}; give a function that makes it"
        ) from error


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


def takes_size(factory: Callable[..., object]) -> bool:
    """Whether a function can be called with ``(num_classes, input_shape)``.

    >>> takes_size(lambda classes, shape: None), takes_size(lambda: None)
    (True, False)
    """
    try:
        inspect.signature(factory).bind(2, (1,))
    except TypeError:
        return False
    except ValueError:  # it does not say how it is called
        return True
    return True


_BY_PLACE = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
