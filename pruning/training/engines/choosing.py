"""Which engine runs a population: what the networks allow, and what the processor is good at."""

from __future__ import annotations

from torch import nn

from pruning.core.errors import RequestError, unknown_name
from pruning.training.engines.engine import ENGINES

AUTO = "auto"
"""Asks for the engine that network and processor are best at."""


def check_engine(asked: str) -> None:
    """Raise `RequestError` for an engine that does not exist."""
    if asked != AUTO and asked not in ENGINES:
        raise unknown_name("engine", asked, (AUTO, *ENGINES))


def choose_engine(asked: str, network: nn.Module, device: str, images: int = 0) -> str:
    """Return the engine that runs this network on ``"cpu"`` or ``"cuda"``; never ``"auto"``.

    Parameters
    ----------
    asked
        A name, or ``"auto"``.
    network
        One of those that train together, at full width.
    device
        ``"cpu"`` or ``"cuda"``.
    images
        Training images of a round, all its members and epochs together: whether it pays to
        prepare.

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
    obstacles = {name: ENGINES[name].obstacle(network, device) for name in ENGINES}
    able = [name for name, obstacle in obstacles.items() if obstacle is None]
    if asked == AUTO:
        ranks = {name: ENGINES[name].auto_rank(network, device, images) for name in able}
        return max((rank, name) for name, rank in ranks.items() if rank is not None)[1]
    if obstacles[asked] is not None:
        others = ", ".join((AUTO, *able))
        raise RequestError(f"`engine` {asked!r} {obstacles[asked]}; allowed {others}")
    return asked
