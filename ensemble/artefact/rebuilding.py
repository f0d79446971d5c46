"""From a folder back to networks.

Nothing of a loaded folder is run: networks come from the registry of architectures, or
from a factory the caller hands over; the file gives names, sizes and numbers, all checked.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, replace

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ensemble.artefact.stored import Sizes, StoredEnsemble
from ensemble.description import LayerWidth
from ensemble.member import EnsembleMember
from ensemble.probing import answers
from pruning.core.errors import ForeignCodeError, RequestError
from pruning.core.seeds import set_back
from pruning.core.user_code import names_maker
from pruning.networks.adapting import adapted, folded
from pruning.networks.architecture import built_in, factory_of, resolve_factory
from pruning.networks.given import takes_size
from pruning.networks.weights import load_weights, tensors_of
from pruning.surgery import module_sizes, resize

MOST_PASSED = 2**26
"""Numbers that a layer may put out when a loaded network is first tried."""

FEWEST_PASSED = 64
"""Times the values of a sample that every network is taken to put out."""

LARGEST_HEADER = 2**20
"""Bytes of a safetensors file besides its tensors."""

LONGEST_REASON = 500
"""Characters of an error of torch's that are passed on."""

Factories = Mapping[str, Callable[..., nn.Module]]


def rebuild_members(
    stored: StoredEnsemble, factories: Factories, *, verify: bool = True
) -> tuple[EnsembleMember, ...]:
    """Return the members of a folder with their networks, on the processor, in eval mode.

    Parameters
    ----------
    stored
        The folder, read and checked.
    factories
        What builds the members that are a user's own, by the name of their architecture.
    verify
        Whether each must answer the folder's probe as it did when the folder was written.
    """
    given = _matched(factories, {info.arch for info in stored.about.members})
    return tuple(_Rebuilding(stored, row, verify).member(given) for row in range(len(stored.files)))


def _matched(factories: Factories, archs: Set[str]) -> Factories:
    """Return the factories by the names that members have.

    One that no member names is for the one architecture that no factory is given for: networks
    put together by hand are saved as of their class, such as ``Sequential``, which a function
    of another name makes.
    """
    unnamed = [name for name in factories if name not in archs]
    wanted = [arch for arch in archs if arch not in factories and not built_in(arch)]
    if len(unnamed) == 1 and len(wanted) == 1:
        return {**factories, wanted[0]: factories[unnamed[0]]}
    return factories


@dataclass(frozen=True)
class _Rebuilding:
    """One member of a folder on its way back."""

    stored: StoredEnsemble
    row: int
    verify: bool

    def member(self, factories: Factories) -> EnsembleMember:
        info, file = self.stored.about.members[self.row], self.stored.files[self.row]
        own = factories.get(info.arch)
        try:
            if own:
                state = load_tensors(self.stored.weights(file))
                network = self._own(own, state)
                unpruned = _resized(network, file.sizes, "cpu")
            else:
                network = _built(_registered(info.arch), self._size)
                unpruned = _resized(network, file.sizes, "meta")
                state = load_tensors(self.stored.weights(file, _most_bytes(network)))
            _fill(network, state, own=own is not None)
            self._check_answers(network, in_full=own is not None)
        except RequestError:
            raise
        except (ValueError, TypeError, RuntimeError, OverflowError, SafetensorError) as error:
            reason = " ".join(str(error).split())
            raise RequestError(
                f"{self.stored.folder / file.name} does not fit architecture {info.arch!r}: "
                f"{reason}"[:LONGEST_REASON]
            ) from error
        widths = _widths(unpruned, module_sizes(network))
        return EnsembleMember(network, replace(info, widths=widths))

    def _own(self, factory: Callable[..., nn.Module], state: Mapping[str, Tensor]) -> nn.Module:
        """Build a user's own network, in the form in which its tensors are stored.

        A build stores plain float32 layers (`pruning.networks.adapting`), whoever saves networks
        of their own stores them as they are.
        """
        with set_back():
            network = _maker(factory)(*self._size)
            if not _as_stored(network, state):
                folded(network)
            return adapted(network, self.stored.about.members[self.row].arch, *self._size)

    @property
    def _size(self) -> tuple[int, tuple[int, ...]]:
        return len(self.stored.about.classes), self.stored.about.input_shape

    def _check_answers(self, network: nn.Module, *, in_full: bool) -> None:
        """Pass the probe through, so that sizes that do not chain, and what was drawn anew, show.

        A network that may take much memory passes a shape alone, unless `in_full`: the caller's
        own code may hold tensors and read values. torch imports its compiler for shapes alone,
        which takes a second.
        """
        classes, shape = self._size
        widest = max(
            (n for sizes in module_sizes(network).values() for n in sizes.values()), default=0
        )
        if not in_full and max(widest, FEWEST_PASSED) * math.prod(shape) > MOST_PASSED:
            with torch.inference_mode():
                meta = copy.deepcopy(network).to("meta")
                _check_shape(meta(torch.zeros(1, *shape, device="meta")).shape[1:], classes)
            return
        probe = self.stored.probe if self.verify else None
        inputs = torch.zeros(1, *shape)
        if probe is not None:
            scaling = self.stored.about.scaling
            inputs = scaling(torch.from_numpy(probe.inputs(shape, scaling)))
        found = answers(network, inputs)
        _check_shape(found.shape[1:], classes)
        if probe is not None and probe.strays(self.row, found):
            raise RequestError(self._strayed)

    @property
    def _strayed(self) -> str:
        info = self.stored.about.members[self.row]
        return (
            f"{self.stored.folder}: member {info.name!r} ({info.arch}) answers otherwise than when "
            "it was saved: something it computes with is not in its state dict (a plain tensor, a "
            "buffer with persistent=False, layers in a Python list), or its factory has changed; "
            "make it a parameter or a buffer and build again, or load with verify=False"
        )


def _built(factory: Callable[..., nn.Module], size: tuple[int, tuple[int, ...]]) -> nn.Module:
    """Build without memory; a user's own network may hold what has no shape."""
    with set_back(), torch.device("meta"):
        return factory(*size)


def _maker(given: Callable[..., nn.Module]) -> Callable[..., nn.Module]:
    """Return ``make(num_classes, input_shape)`` of what a build took, too: a network, a function.

    A function that can take the size is called with it.
    """
    plain = not isinstance(given, nn.Module) and takes_size(given)
    return given if plain else factory_of(given)


def _as_stored(network: nn.Module, state: Mapping[str, Tensor]) -> bool:
    """Whether a network holds the tensors that are stored, in numbers of the same kind."""
    if any(is_lazy(tensor) for tensor in (*network.parameters(), *network.buffers())):
        return False
    held = tensors_of(network)
    return held.keys() == state.keys() and all(held[k].dtype == state[k].dtype for k in held)


def _registered(arch: str) -> Callable[..., nn.Module]:
    if not built_in(arch):
        make = arch.partition(":")[2] if names_maker(arch) else "make"
        raise ForeignCodeError(arch, f"ensemble.load(path, factories={{{arch!r}: {make}}})")
    return resolve_factory(arch)


def _resized(network: nn.Module, sizes: Sizes, device: str) -> Sizes:
    """Set the stored sizes; return those that the network had."""
    unpruned = module_sizes(network)
    _check_no_larger(unpruned, sizes)
    with set_back(), torch.device(device):
        resize(network, sizes)
    return unpruned


def _most_bytes(network: nn.Module) -> int:
    """Return how many bytes the file of a network's tensors may have."""
    return LARGEST_HEADER + sum(tensor.nbytes for tensor in tensors_of(network).values())


def _fill(network: nn.Module, state: dict[str, Tensor], *, own: bool) -> None:
    """Hand over the stored tensors."""
    _check_state(network, state)
    load_weights(network, state, assign=not own)
    network.requires_grad_(False)
    network.eval()


def _check_shape(answer: tuple[int, ...], classes: int) -> None:
    if answer != (classes,):
        raise ValueError(f"it answers {(1, *answer)}, expected (1, {classes})")


def _check_no_larger(unpruned: Sizes, stored: Sizes) -> None:
    for layer, sizes in stored.items():
        for key, size in sizes.items():
            if size > unpruned.get(layer, {}).get(key, size):
                raise ValueError(f"{layer}.{key} is {size}, unpruned it has {unpruned[layer][key]}")


def _check_state(network: nn.Module, state: dict[str, Tensor]) -> None:
    """Refuse a dtype that would change what is computed, and values that are not finite.

    Unless the network is made with them, as an attention mask is with -inf.
    """
    held = tensors_of(network)
    for key, declared in held.items():
        if key in state and state[key].dtype != declared.dtype:
            raise ValueError(f"{key} is {state[key].dtype}, expected {declared.dtype}")
    for key, value in state.items():
        strange = ~value.isfinite()
        if strange.any() and not _made_with(held.get(key), value, strange):
            raise ValueError(f"{key} holds NaN or infinite values")


def _made_with(declared: Tensor | None, value: Tensor, strange: Tensor) -> bool:
    if declared is None or declared.is_meta or declared.shape != value.shape:
        return False
    return torch.equal(declared[strange], value[strange])


def _widths(unpruned: Sizes, kept: Sizes) -> tuple[LayerWidth, ...]:
    names = ("out_features", "out_channels", "num_features")
    return tuple(
        LayerWidth(layer, kept[layer][key], full[key])
        for layer, full in unpruned.items()
        for key in names
        if key in full
    )
