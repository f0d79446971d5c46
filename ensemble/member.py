"""A member with its network, made by this package or by anybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from ensemble.description import MemberInfo
from ensemble.probe import noise
from pruning.core.errors import RequestError
from pruning.inference.cost import count_cost
from pruning.networks.weights import tensors_of
from pruning.samples.scaling import Scaling


@dataclass(frozen=True)
class EnsembleMember:
    """A member with its network.

    Attributes
    ----------
    network
        Physically small; maps scaled input (B, *input_shape) to logits (B, C).
    info
        Its name, architecture, cost and widths.
    """

    network: nn.Module
    info: MemberInfo

    @classmethod
    def of(
        cls, network: nn.Module, input_shape: tuple[int, ...], name: str = "00", arch: str = ""
    ) -> EnsembleMember:
        """Return a network as a member, its cost counted.

        Parameters
        ----------
        network
            Maps (B, *input_shape) to logits (B, C).
        input_shape
            (C, H, W) or (F,).
        name
            What to call it.
        arch
            The name under which `ensemble.load` finds what builds it: a registered
            architecture, or ``"module:factory"``. Left away it is the network's own class.

        >>> EnsembleMember.of(nn.Linear(3, 2), (3,)).info.arch
        'torch.nn.modules.linear:Linear'
        """
        own = f"{type(network).__module__}:{type(network).__qualname__}"
        return cls(network, MemberInfo(name, arch or own, count_cost(network, input_shape)))


@runtime_checkable
class TrainedMember(Protocol):
    """What DropNet yields, as far as an ensemble needs it."""

    @property
    def network(self) -> nn.Module:
        """The trained network."""

    @property
    def arch(self) -> str:
        """Its architecture's name."""


def as_members(
    networks: Sequence[nn.Module | TrainedMember | EnsembleMember],
    input_shape: tuple[int, ...],
    classes: int,
    scaling: Scaling,
) -> tuple[EnsembleMember, ...]:
    """Return the members that networks and DropNet's members make; members stay as they are.

    Raises
    ------
    RequestError
        Where an entry is none of these, or a network does not answer logits of the classes.
    """
    try:
        entries = list(networks)
    except TypeError as error:
        told = f"`networks` {networks!r}: expected a list of torch.nn.Module"
        raise RequestError(told) from error
    return tuple(
        entry
        if isinstance(entry, EnsembleMember)
        else _member(f"{row:02d}", entry, input_shape, classes, scaling)
        for row, entry in enumerate(entries)
    )


def _member(
    name: str, entry: object, shape: tuple[int, ...], classes: int, scaling: Scaling
) -> EnsembleMember:
    if isinstance(entry, nn.Module):
        network, arch = entry, ""
    elif isinstance(entry, TrainedMember):
        network, arch = entry.network, entry.arch
    else:
        raise RequestError(
            f"network {name} is a {type(entry).__name__}; expected a torch.nn.Module"
        )
    try:
        member = EnsembleMember.of(network, shape, name, arch)
    except Exception as error:  # whatever the user's network raises
        reason = " ".join(str(error).split())
        raise RequestError(
            f"network {name} does not take samples of shape {shape}: {reason}"[:300]
        ) from error
    answer = _answer(network, scaling(torch.from_numpy(noise(shape, scaling))))
    if answer is None and (kinds := _other_kinds(network)):
        raise RequestError(
            f"network {name} has weights of {kinds} and does not take float32 samples; "
            "give it as network.float()"
        )
    if answer is not None and answer.shape[1:] != (classes,):
        raise RequestError(
            f"network {name} answers {tuple(answer.shape)} to {len(answer)} samples; "
            f"expected logits (N, {classes}), one for each of the classes"
        )
    if answer is not None and are_probabilities(answer):
        raise RequestError(
            f"network {name} answers probabilities; expected logits: leave its last softmax out"
        )
    return member


def _answer(network: nn.Module, inputs: Tensor) -> Tensor | None:
    """Return what a network makes of noise; None where noise is no input for it."""
    device = next((tensor.device for tensor in tensors_of(network).values()), None)
    was_training = network.training
    try:
        with torch.inference_mode():
            return network.eval()(inputs.to(device)).float()  # type: ignore[no-any-return]
    except Exception:  # such as an embedding that reads the input as numbers of words
        return None
    finally:
        network.train(was_training)


def _other_kinds(network: nn.Module) -> str:
    """Return the types of a network's numbers that are not float32, such as float64."""
    kinds = {tensor.dtype for tensor in tensors_of(network).values() if tensor.is_floating_point()}
    return ", ".join(sorted(str(kind).removeprefix("torch.") for kind in kinds - {torch.float32}))


def are_probabilities(answer: Tensor) -> bool:
    """Whether (N, C) answers are no logits: none below 0, and 1 in sum."""
    sums = answer.sum(-1)
    return bool((answer >= 0).all() and torch.allclose(sums, torch.ones_like(sums), atol=1e-4))
