"""θ0 from a file: start from weights that somebody trained."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from pruning.errors import RequestError
from pruning.surgery import load_weights


def start_from(network: nn.Module, path: Path) -> nn.Module:
    """Load a ``.safetensors`` file's weights into a full-width network; return it.

    Raises
    ------
    RequestError
        If there is no such file, it is no safetensors file, or its tensors are not the
        network's.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        given = load_file(path)
    except (OSError, SafetensorError) as error:
        raise RequestError(
            f"initial weights {str(path)!r} cannot be read ({error}); give a .safetensors file"
        ) from error
    own = network.state_dict()
    wrong = [
        f"{name} is {_shape(given, name)}, expected {_shape(own, name)}"
        for name in sorted(own.keys() | given.keys())
        if name not in own or name not in given or own[name].shape != given[name].shape
    ]
    if wrong:
        raise RequestError(
            f"initial weights {str(path)!r} do not fit the architecture: {wrong[0]}"
            + (f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else "")
        )
    return load_weights(network, given)


def _shape(tensors: Mapping[str, Tensor], name: str) -> str:
    return str(tuple(tensors[name].shape)) if name in tensors else "absent"
