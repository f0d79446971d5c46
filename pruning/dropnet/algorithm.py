"""DropNet, Algorithm 1 of Tan & Motani 2020, on physically smaller networks.

train θ0                                         round 0, the unpruned network
repeat  score the units of the trained network
        drop the share p of them that matters least
        rewind the survivors to θ0
        train (anew from another draw if it has not left chance)
until   accuracy ≤ κ × round 0's
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from pruning.data.splits import Splits
from pruning.dropnet.fit import find_units
from pruning.dropnet.member import Member
from pruning.dropnet.rewinding import FullWidth
from pruning.dropnet.rounds import ProgressHook, Rounds, Runs
from pruning.dropnet.settings import DropNet
from pruning.training.training_loop import DeviceData

__all__ = ["DropNet", "ProgressHook", "Runs", "dropnet"]


def dropnet(
    runs: Runs,
    splits: Splits,
    settings: DropNet,
    *,
    start: Sequence[Member] = (),
    device: str | torch.device = "cpu",
    engine: str = "auto",
    on_epoch: ProgressHook | None = None,
) -> Iterator[tuple[Member, ...]]:
    """Yield, round by round, the members of a population of runs.

    Parameters
    ----------
    runs
        Architecture, numbers and seeds. More than one run needs a stackable architecture.
    splits
        ``train`` trains and scores, ``val`` stops; the other parts are not read.
    settings
        Metric, p, κ and the recipe.
    start
        The last finished round of every run, to go on from; empty starts at round 0.
    device
        Where to train. Yielded members are on the CPU.
    engine
        How to train: a name in `pruning.training.engines.engine.ENGINES`, or ``"auto"``.
    on_epoch
        Called with round, epoch and the run numbers still training.

    Yields
    ------
    tuple of Member
        One a run that is still going, in run order.
    """
    data = DeviceData.of(splits, device)
    full_width = FullWidth(
        settings.rewinding, runs.arch, dict(zip(runs.numbers, runs.seeds, strict=True)),
        len(splits.classes), splits.input_shape, data, settings.recipe, settings.init, engine,
    )  # fmt: skip
    units = find_units(full_width.theta0[runs.numbers[0]], splits.input_shape, settings)
    rounds = Rounds(runs, full_width, units, data, settings, device, engine, on_epoch)
    members = tuple(start)
    if not members:
        members = rounds.first_round()
        yield members
    while standing := [m for m in members if _goes_on(m, settings)]:
        members = rounds.next_round(standing)
        if not members:
            return
        yield members


def _goes_on(member: Member, settings: DropNet) -> bool:
    return (
        member.held(settings.kappa)
        and member.remaining > settings.keep
        and (settings.rounds is None or member.round < settings.rounds)
    )
