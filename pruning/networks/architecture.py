"""The registry of architectures, and how an architecture and a seed become θ0.

A factory is ``factory(num_classes, input_shape) -> nn.Module``. A registered one may also
take ``widths``, its layer widths in order.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

from torch import nn

from pruning.core.errors import RequestError, unknown_name
from pruning.core.registry import Registry
from pruning.core.seeds import Purpose, seeded, torch_generator
from pruning.core.torchvision_compat import open_the_door
from pruning.core.user_code import import_user_code
from pruning.networks.adapting import adapted, folded, peculiarities
from pruning.networks.given import call_factory, copied, redrawn, takes_size

Factory = Callable[..., nn.Module]
Architecture = str | nn.Module | Factory
"""A name, a network, or a function that makes one: what the Python API takes everywhere."""

NETWORKS: Registry[Factory] = Registry("architecture", "pruning.networks")
OTHER_FORMS = ("torchvision:NAME", "module:factory")
"""How an architecture is named that is not registered."""
MOST_UNITS = 2**20
"""Units of one layer that a name may ask for."""


def build_network(
    architecture: Architecture,
    num_classes: int,
    input_shape: tuple[int, ...],
    seed: int,
    round_index: int = 0,
) -> nn.Module:
    """Return the initial weights of an architecture, the same for the same seed.

    Parameters
    ----------
    architecture
        One of

        - a registered name (``"conv-c"``), one with widths (``"mlp-a:60-60"``),
          ``"torchvision:NAME"``, or ``"module:factory"`` of the user's, looked up in the
          current folder too: weights are drawn;
        - a function or class, called with ``(num_classes, input_shape)``, or with nothing
          where it requires nothing: weights are drawn;
        - a network: a copy in float32 on the CPU. Its own weights are θ0, whatever the seed;
          a later round's draw calls each layer's ``reset_parameters``.
    num_classes
        Number of logits, at least 2.
    input_shape
        (C, H, W) or (F,).
    seed
        Seed of the run. A user's code that draws from torch's, NumPy's or Python's global
        generator draws by it; these are left as they were.
    round_index
        0 gives θ0; a later round's draw is what rewinding to random weights uses.

    Raises
    ------
    RequestError
        If the name is unknown, the widths do not fit, the input is too small, the factory
        fails, or a network given or made does not map such samples to so many logits.

    >>> build_network(lambda: nn.Linear(4, 3), 3, (4,), seed=0)
    Linear(in_features=4, out_features=3, bias=True)
    """
    name = architecture_name(architecture)
    make = _maker(architecture, num_classes, input_shape, redraw=round_index > 0)
    purpose: Purpose = "rewind" if round_index else "initial"
    with seeded(torch_generator(seed, purpose, round_index)):
        network = _made(name, make, num_classes, input_shape)
        if isinstance(architecture, str) and built_in(architecture):
            return network
        return adapted(folded(network), name, num_classes, input_shape)


def factory_of(architecture: Architecture) -> Factory:
    """Return ``factory(num_classes, input_shape)`` of an architecture, as loading wants one."""
    if isinstance(architecture, str):
        return resolve_factory(architecture)
    if isinstance(architecture, nn.Module):
        return lambda num_classes, input_shape: copied(architecture)
    return functools.partial(call_factory, architecture)  # type: ignore[return-value]


def given_parts(
    architecture: Architecture, num_classes: int, input_shape: tuple[int, ...]
) -> tuple[str, ...]:
    """Return what of a user's network `build_network` brings into another form, a line each."""
    if isinstance(architecture, nn.Module):
        return peculiarities(architecture)
    if isinstance(architecture, str) and built_in(architecture):
        return ()
    make = _maker(architecture, num_classes, input_shape, redraw=False)
    with seeded(torch_generator(0, "initial")):
        return peculiarities(_made(architecture_name(architecture), make, num_classes, input_shape))


def architecture_name(architecture: Architecture) -> str:
    """Return what an architecture is called in records and messages.

    >>> architecture_name("conv-b"), architecture_name(nn.ReLU()), architecture_name(nn.ReLU)
    ('conv-b', 'ReLU', 'ReLU')

    Raises
    ------
    RequestError
        If it is neither a name, a network nor a function.
    """
    if isinstance(architecture, str):
        return architecture
    if isinstance(architecture, nn.Module):
        return type(architecture).__name__
    if not callable(architecture):
        raise RequestError(
            f"architecture is of type {type(architecture).__name__}; allowed are a name, a "
            "torch.nn.Module, and a function that makes one"
        )
    return str(getattr(architecture, "__qualname__", type(architecture).__name__))


def resolve_factory(arch: str) -> Factory:
    """Return ``factory(num_classes, input_shape)`` for an architecture's name.

    >>> resolve_factory("mlp-a:8-4")(3, (5,))[1]
    Linear(in_features=5, out_features=8, bias=True)
    """
    name, _, rest = arch.partition(":")
    if name == "torchvision" and rest:
        return functools.partial(_torchvision, rest)
    if name in NETWORKS and arch.endswith(":"):
        raise RequestError(
            f"architecture {arch!r} gives no widths after the colon; "
            f"give some, such as {name}:60-60, or {name!r} alone"
        )
    if name in NETWORKS:
        return _with_widths(NETWORKS[name], arch, rest) if rest else NETWORKS[name]
    if not rest:
        raise unknown_name("architecture", arch, [*NETWORKS, *OTHER_FORMS], _of_torchvision())
    return _user_factory(arch)


def built_in(arch: str) -> bool:
    """Whether an architecture's code is this package's or torchvision's, not a user's.

    >>> [built_in(arch) for arch in ("mlp-a:8-4", "torchvision:resnet18", "nets:make", "Net")]
    [True, True, False, False]
    """
    name = arch.partition(":")[0]
    return name == "torchvision" or name in NETWORKS


def _torchvision(name: str, num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
    from pruning.networks.torchvision_models import torchvision_classifier

    return torchvision_classifier(name, num_classes, input_shape)


def _of_torchvision() -> tuple[str, ...]:
    """Return the architectures that torchvision has, or none where it cannot be imported."""
    from pruning.networks.torchvision_models import classifiers

    try:
        return classifiers()
    except ImportError:
        return ()


def _maker(
    architecture: Architecture, num_classes: int, input_shape: tuple[int, ...], *, redraw: bool
) -> Callable[[], object]:
    """Return what makes the network; a user's file is imported here, before any seed is set."""
    if isinstance(architecture, nn.Module):
        return lambda: redrawn(copied(architecture)) if redraw else copied(architecture)
    if isinstance(architecture, str):
        return functools.partial(resolve_factory(architecture), num_classes, input_shape)
    open_the_door()
    return functools.partial(call_factory, architecture, num_classes, input_shape)


def _made(
    name: str, make: Callable[[], object], num_classes: int, input_shape: tuple[int, ...]
) -> nn.Module:
    try:
        network = make()
    except RequestError:
        raise
    except Exception as error:
        raise RequestError(
            f"architecture {name!r} cannot be built for {num_classes} classes and samples of "
            f"shape {input_shape}: {type(error).__name__}: {' '.join(str(error).split())}"
        ) from error
    if not isinstance(network, nn.Module):
        raise RequestError(
            f"architecture {name!r} returned {type(network).__name__}; expected a torch.nn.Module"
        )
    return network


def _with_widths(factory: Factory, arch: str, text: str) -> Factory:
    try:
        widths = tuple(int(part) for part in text.split("-"))
    except ValueError:
        widths = ()
    if not widths or min(widths) < 1:
        raise RequestError(
            f"architecture {arch!r}: widths {text!r} must be positive whole numbers joined by '-'"
        )
    if max(widths) > MOST_UNITS:
        raise RequestError(
            f"architecture {arch!r}: a layer of {max(widths):,} units; allowed are {MOST_UNITS:,} "
            "at most"
        )

    def sized(num_classes: int, input_shape: tuple[int, ...]) -> nn.Module:
        return factory(num_classes, input_shape, widths=widths)

    return sized


def _user_factory(arch: str) -> Factory:
    factory = import_user_code("architecture", arch, (*NETWORKS, OTHER_FORMS[0]))
    if not callable(factory):
        raise RequestError(f"architecture {arch!r} is not callable")
    if takes_size(factory):
        return factory
    return functools.partial(call_factory, factory)  # type: ignore[return-value]


def glorot_(network: nn.Module) -> nn.Module:
    """Draw every linear and convolution weight Glorot-uniform, biases zero; return it.

    As in Tan & Motani 2020 (Glorot & Bengio 2010).
    """
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            nn.init.xavier_uniform_(module.weight)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
    return network


def he_(network: nn.Module) -> nn.Module:
    """Draw every convolution weight normal with variance 2 / fan-out; return the network.

    As in He et al. 2015, section 2.2; other layers stay as PyTorch drew them.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    return network


def checked_widths(name: str, widths: tuple[int, ...], count: int) -> tuple[int, ...]:
    """Return `widths` if there are `count` of them, else say what is wanted."""
    if len(widths) != count:
        raise RequestError(
            f"{name} takes {count} widths, got {len(widths)}: {'-'.join(map(str, widths))}"
        )
    return widths
