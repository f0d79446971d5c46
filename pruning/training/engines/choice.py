"""Which engine runs a population: what the networks allow, and what the processor is good at."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from pruning.core.errors import RequestError, unknown_name
from pruning.inference.stackable import stackable
from pruning.training.device_data import DeviceData
from pruning.training.engines.engine import Engine
from pruning.training.engines.loop import Loop
from pruning.training.engines.stacked import Stacked
from pruning.training.engines.streams import Streams
from pruning.training.recipe import Recipe

ENGINES = {
    "auto": "what network and processor are best at",
    "loop": "one network after the other, float32",
    "loop-bf16": "one network after the other, products in bfloat16",
    "streams": "each network a CUDA stream, its step a captured graph, products in bfloat16",
    "stacked": "plain MLPs as batched matrices, float32",
}


def check_engine(asked: str) -> None:
    """Raise `RequestError` for an engine that does not exist."""
    if asked not in ENGINES:
        raise unknown_name("engine", asked, ENGINES)


def choose_engine(asked: str, network: nn.Module, device: str) -> str:
    """Return the engine that runs this network on ``"cpu"`` or ``"cuda"``; never ``"auto"``.

    Raises
    ------
    RequestError
        If the engine asked for cannot run the network, or the processor not the engine.

    Examples
    --------
    >>> choose_engine("auto", nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 2)), "cpu")
    'stacked'
    """
    check_engine(asked)
    if asked == "auto":
        if stackable(network):
            return "stacked"
        convolutional = any(p.ndim == 4 for p in network.parameters())
        return "loop-bf16" if convolutional and has_bf16_units(device) else "loop"
    if asked == "stacked" and not stackable(network):
        raise RequestError(
            "--engine stacked runs plain MLPs (Flatten, Linear and ReLU in sequence), which "
            "this network is not; take --engine auto, loop or loop-bf16"
        )
    if asked == "streams" and device != "cuda":
        raise RequestError("--engine streams needs --device cuda; take --engine auto")
    if asked in ("loop-bf16", "streams") and not has_bf16_units(device):
        raise RequestError(
            f"--engine {asked}: this {'GPU' if device == 'cuda' else 'processor'} has no "
            "units for bfloat16 (AVX-512 BF16 or AMX); take --engine loop or auto"
        )
    return asked


def make_engine(
    name: str, networks: Sequence[nn.Module], data: DeviceData, recipe: Recipe
) -> Engine:
    """Return the engine of this name, as `choose_engine` gave it, holding these networks."""
    if name == "stacked":
        return Stacked(networks, data, recipe)
    if name == "streams":
        return Streams(networks, data, recipe)
    return Loop(networks, data, recipe, bf16=name == "loop-bf16")


def has_bf16_units(device: str) -> bool:
    """Whether bfloat16 products are faster than float32's here, not merely possible."""
    if device == "cuda":
        return torch.cuda.is_available() and torch.cuda.get_device_capability()[0] >= 8
    questions = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, question, bool)() for question in questions)
