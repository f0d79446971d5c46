"""θ0 from elsewhere: start from weights that somebody trained.

A ``.safetensors`` file, or torchvision's by name: ``torchvision:resnet18`` is what torchvision
holds best for that classifier, ``torchvision:resnet18:IMAGENET1K_V1`` one of its choices.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from pruning.core.errors import RequestError
from pruning.core.torchvision_compat import import_torchvision
from pruning.networks.torchvision_models import PREFIX, published_choice

_MAY_BE_HEAD = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)


def tensors_of(network: nn.Module) -> dict[str, Tensor]:
    """Return a network's weights and buffers by name: its state dict but what is no tensor.

    A module may keep any value besides (`torch.nn.Module.get_extra_state`); such a value is
    made by whoever builds the network, and no file keeps it.
    """
    state = network.state_dict()
    return {key: value.detach() for key, value in state.items() if isinstance(value, Tensor)}


def load_weights(
    network: nn.Module, weights: Mapping[str, Tensor], *, assign: bool = False
) -> nn.Module:
    """Load a state dict that has been stored as plain tensors; return the network.

    Some modules (torchvision's MNASNet) want the version that `torch.nn.Module.state_dict`
    notes beside the tensors and that no file keeps; it is the network's own. So is what is no
    tensor (`tensors_of`).

    Parameters
    ----------
    network
        Filled in place.
    weights
        A tensor for each that it has, and no more.
    assign
        Whether the tensors themselves become its own.
    """
    own = network.state_dict()
    versioned = OrderedDict(weights)
    versioned.update((k, v) for k, v in own.items() if not isinstance(v, Tensor))
    versioned._metadata = own._metadata  # type: ignore[attr-defined]
    network.load_state_dict(versioned, assign=assign)
    return network


def start_from(network: nn.Module, source: str) -> nn.Module:
    """Load weights from a file, or torchvision's, into a full-width network; return it.

    They may be of another number of classes: the last layer then keeps its draw.

    Raises
    ------
    RequestError
        If there is no such file or name, the file is no safetensors file, the weights
        cannot be downloaded, or they are not the network's.
    """
    drawn = tensors_of(network)
    given = _with_drawn_head(network, drawn, _given(drawn, source))
    wrong = [
        f"{name} is {_shape(given, name)}, expected {_shape(drawn, name)}"
        for name in sorted(drawn.keys() | given.keys())
        if name not in drawn or name not in given or drawn[name].shape != given[name].shape
    ]
    if wrong:
        raise RequestError(
            f"initial weights {source!r} do not fit the architecture: {wrong[0]}"
            + (f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else "")
        )
    return load_weights(network, given)


def classes_given(network: nn.Module, source: str) -> int | None:
    """Return of how many classes weights are whose last layer `start_from` leaves out, or None."""
    drawn = tensors_of(network)
    given = _given(drawn, source)
    taken = _with_drawn_head(network, drawn, given)
    counts = [len(given[name]) for name, tensor in taken.items() if tensor is not given[name]]
    return counts[0] if counts else None


def last_layer(network: nn.Module) -> nn.Module:
    """Return what makes the classes: the last linear layer or convolution that a network lists.

    Raises
    ------
    RequestError
        If it has none.
    """
    if (name := _last_layer(network)) is None:
        raise RequestError(
            f"{type(network).__name__} has no linear layer or convolution that could have a "
            "learning rate of its own; leave `backbone_rate` and `head_epochs` out"
        )
    return network.get_submodule(name)


def _last_layer(network: nn.Module) -> str | None:
    names = [name for name, module in network.named_modules() if isinstance(module, _MAY_BE_HEAD)]
    return names[-1] if names else None


def _given(drawn: Mapping[str, Tensor], source: str) -> dict[str, Tensor]:
    """Return what a source holds, without the auxiliary heads of a published network."""
    if not source.startswith(PREFIX):
        return _stored(Path(source))
    given = _published(source.removeprefix(PREFIX))
    return {k: v for k, v in given.items() if k in drawn or not k.lower().startswith("aux")}


def _stored(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (OSError, SafetensorError) as error:
        raise RequestError(
            f"initial weights {str(path)!r} cannot be read ({error}); give a .safetensors file"
        ) from error
    return tensors


def _published(name: str) -> dict[str, Tensor]:
    """Return the weights of one of torchvision's classifiers, downloaded where they are not."""
    weights = published_choice(name)
    name = name.partition(":")[0]
    try:
        network: nn.Module = import_torchvision().models.get_model(name, weights=weights)
    except (OSError, RuntimeError) as error:  # no network, or not the published checksum
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise RequestError(
            f"torchvision's weights of {name!r} cannot be had ({error}); put "
            f"{weights.url.rpartition('/')[2]} into {folder}, or give a .safetensors file"
        ) from error
    return network.state_dict()


def _with_drawn_head(
    network: nn.Module, drawn: Mapping[str, Tensor], given: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Where the last layer has other classes, keep what was drawn."""
    kept = dict(given)
    head = _last_layer(network)
    for key in (f"{head}.weight", f"{head}.bias"):
        if key in drawn and key in kept and drawn[key].shape[1:] == kept[key].shape[1:]:
            kept[key] = kept[key] if drawn[key].shape == kept[key].shape else drawn[key]
    return kept


def _shape(tensors: Mapping[str, Tensor], name: str) -> str:
    return str(tuple(tensors[name].shape)) if name in tensors else "absent"
