"""A network with some units more, all zero: the same function at widths that a processor likes.

Units of zero weights stay zero while the network trains if nothing reaches them: what they make
is 0, and 0 after norm and activation; what reads them has weights of 0, whose gradient is 0.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from pruning.core.seeds import set_back
from pruning.inference.stackable import hooked
from pruning.surgery.find import find_groups
from pruning.surgery.groups import Slice, UnitGroup
from pruning.surgery.layer_kinds import CONVOLUTIONS, add_units, module_sizes, resize

_PROBED = 2  # samples that tell whether padding stays zero


def pad(
    networks: Sequence[nn.Module],
    input_shape: tuple[int, ...],
    wanted: Callable[[int], int],
    *,
    alike: bool,
) -> list[nn.Module]:
    """Return copies whose prunable widths are as wanted; where that cannot be, equal copies.

    The added units come last on every side of every layer, and are zero.

    Parameters
    ----------
    networks
        Of one architecture, widths may differ; they are left unchanged.
    input_shape
        Of one sample: (C, H, W) or (F,).
    wanted
        Width → as many units, or more.
    alike
        Whether all get the same widths: those of the widest.

    >>> from pruning.networks.architecture import build_network
    >>> network = build_network("conv-b:6-5", 3, (1, 4, 4), 0)
    >>> (wider,) = pad([network], (1, 4, 4), lambda width: width + 3, alike=False)
    >>> [layer.weight.shape[0] for layer in wider if hasattr(layer, "weight")]
    [9, 8, 3]
    >>> x = torch.rand(5, 1, 4, 4)
    >>> torch.allclose(network(x), wider(x), atol=1e-6)
    True
    """
    originals = [copy.deepcopy(network).cpu() for network in networks]
    if any(map(hooked, originals)):
        return [copy.deepcopy(network) for network in networks]
    found = [_padded_groups(network, input_shape) for network in originals]
    widest = {name: max(own[name].size for own in found if name in own) for name in found[0]}
    results = []
    for network, own, given in zip(originals, found, networks, strict=True):
        least = {name: widest[name] if alike else own[name].size for name in own}
        sizes = {name: wanted(width) for name, width in least.items()}
        wider = _widened(network, own, sizes)
        if not _stays_zero(wider, network, input_shape):
            return [copy.deepcopy(network) for network in networks]
        results.append(wider.to(next(given.parameters()).device))
    return results


def unpadded(weights: Mapping[str, Tensor], like: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a padded network's tensors in the sizes of the original's, as copies."""
    return {
        key: value[tuple(slice(n) for n in like[key].shape)].clone()
        for key, value in weights.items()
    }


def _padded_groups(network: nn.Module, input_shape: tuple[int, ...]) -> dict[str, UnitGroup]:
    """Return the groups whose channels lie in one piece on every side that they touch."""
    modules = dict(network.named_modules())
    return {
        group.name: group
        for group in find_groups(network, input_shape)
        if all(_in_one_piece(part, group.size, modules[part.module]) for part in group.slices)
    }


def _in_one_piece(part: Slice, units: int, module: nn.Module) -> bool:
    if isinstance(module, CONVOLUTIONS) and (part.side == "through" or module.groups > 1):
        return False
    channels = len(part.owner)
    whole = torch.arange(units).repeat_interleave(channels // units)
    return torch.equal(part.owner, whole)


def _widened(
    network: nn.Module, groups: Mapping[str, UnitGroup], sizes: Mapping[str, int]
) -> nn.Module:
    changed = module_sizes(network)
    for name, group in groups.items():
        for part in group.slices:
            module, more = network.get_submodule(part.module), sizes[name] - group.size
            add_units(changed[part.module], module, part, more)
    before = network.state_dict()
    wider = resize(copy.deepcopy(network), changed)
    with torch.no_grad():
        for key, value in wider.state_dict().items():
            if isinstance(value, Tensor):
                value.zero_()
                value[tuple(slice(n) for n in before[key].shape)].copy_(before[key])
    return wider


def _stays_zero(wider: nn.Module, network: nn.Module, input_shape: tuple[int, ...]) -> bool:
    """Whether no gradient reaches what was added, seen on a few samples."""
    trial = copy.deepcopy(wider).train()
    generator = torch.Generator().manual_seed(0)
    samples = torch.rand(_PROBED, *input_shape, generator=generator)
    with set_back(), torch.enable_grad():
        trial(samples).square().sum().backward()
    shapes = {name: parameter.shape for name, parameter in network.named_parameters()}
    for name, parameter in trial.named_parameters():
        if parameter.grad is not None:
            parameter.grad[tuple(slice(n) for n in shapes[name])] = 0
            if parameter.grad.any():
                return False
    return True
