"""From a folder back to networks.

Nothing of a loaded folder is run: networks come from the registry of architectures, or
from a factory the caller hands over; the file gives names, sizes and numbers, all checked.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from torch import Tensor, nn

from ensemble.artefact.stored import Sizes, StoredEnsemble
from ensemble.description import LayerWidth
from ensemble.member import EnsembleMember
from ensemble.probing import answers
from pruning.core.errors import ForeignCodeError, RequestError
from pruning.networks.architecture import built_in, resolve_factory
from pruning.surgery import module_sizes, resize

MOST_PASSED = 2**26
"""Numbers that a layer may put out when a loaded network is first tried."""

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
    return tuple(
        _Rebuilding(stored, row, verify).member(factories) for row in range(len(stored.files))
    )


@dataclass(frozen=True)
class _Rebuilding:
    """One member of a folder on its way back."""

    stored: StoredEnsemble
    row: int
    verify: bool

    def member(self, factories: Factories) -> EnsembleMember:
        info, file = self.stored.about.members[self.row], self.stored.files[self.row]
        data = self.stored.weights(file)
        own = factories.get(info.arch)
        try:
            network = _built(own or _registered(info.arch), self._size, own=own is not None)
            unpruned = module_sizes(network)
            _check_no_larger(unpruned, file.sizes)
            _fill(network, file.sizes, load_tensors(data), own=own is not None)
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
        if not in_full and widest * math.prod(shape) > MOST_PASSED:
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


def _built(
    factory: Callable[..., nn.Module], size: tuple[int, tuple[int, ...]], *, own: bool
) -> nn.Module:
    """Build without memory, but for a user's own network, which may hold what has no shape."""
    with torch.random.fork_rng(devices=[]), torch.device("cpu" if own else "meta"):
        return factory(*size)


def _registered(arch: str) -> Callable[..., nn.Module]:
    rest = arch.partition(":")[2]
    if not built_in(arch):
        raise ForeignCodeError(arch, f"ensemble.load(path, factories={{{arch!r}: {rest}}})")
    return resolve_factory(arch)


def _fill(network: nn.Module, sizes: Sizes, state: dict[str, Tensor], *, own: bool) -> None:
    """Set the stored sizes, then hand over the stored tensors."""
    with torch.random.fork_rng(devices=[]), torch.device("cpu" if own else "meta"):
        resize(network, sizes)
    _check_state(network, state)
    network.load_state_dict(state, strict=True, assign=not own)
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
    """Refuse a dtype that would change what is computed, and values that are not finite."""
    for key, declared in network.state_dict().items():
        if key in state and state[key].dtype != declared.dtype:
            raise ValueError(f"{key} is {state[key].dtype}, expected {declared.dtype}")
    if bad := [key for key, value in state.items() if not value.isfinite().all()]:
        raise ValueError(f"{bad[0]} holds NaN or infinite values")


def _widths(unpruned: Sizes, kept: Sizes) -> tuple[LayerWidth, ...]:
    names = ("out_features", "out_channels", "num_features")
    return tuple(
        LayerWidth(layer, kept[layer][key], full[key])
        for layer, full in unpruned.items()
        for key in names
        if key in full
    )
