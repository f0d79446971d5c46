"""DropNet, Algorithm 1 of Tan & Motani 2020, on physically smaller networks.

train θ0                                         round 0, the unpruned network
repeat  score the units of the trained network
        drop the share p of them that matters least
        rewind: the learning rate alone, or the survivors' weights too
        train (anew from another draw if it has not left chance)
until   accuracy ≤ κ × round 0's, or the network is as small as was asked
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence

import torch

from pruning.core.stages import Stages
from pruning.data.splits import Splits, check_splits
from pruning.dropnet.aim import Aim
from pruning.dropnet.fast_enough import in_flops
from pruning.dropnet.fit import find_units
from pruning.dropnet.member import Member
from pruning.dropnet.population import Population, Runs, starting_recipe
from pruning.dropnet.rewinding import FullWidth, ProgressHook
from pruning.dropnet.rounds import Rounds, teachers_of
from pruning.dropnet.settings import DropNet
from pruning.networks.architecture import Architecture
from pruning.training.checkpoint import Checkpoints
from pruning.training.device_data import DeviceData
from pruning.training.halving import HalvedHook, warn_halved
from pruning.training.training_loop import Training


def dropnet(
    runs: Runs | Architecture,
    splits: Splits,
    settings: DropNet | None = None,
    *,
    start: Sequence[Member] = (),
    unpruned: Sequence[Member] = (),
    device: str | torch.device = "cpu",
    engine: str = "auto",
    on_epoch: ProgressHook | None = None,
    on_halved: HalvedHook = warn_halved,
    stages: Stages | None = None,
    checkpoints: Checkpoints | None = None,
) -> Iterator[tuple[Member, ...]]:
    """Yield, round by round, the members of a population of runs.

    Parameters
    ----------
    runs
        Architecture, numbers and seeds, such as ``Runs.of(architecture, m=3, seed=0)``. An
        architecture by itself is one run of seed 0: a name, a network, or a function that makes
        one (`pruning.networks.architecture.build_network`).

        A network is left as it is. Its own weights are θ0 of every run, as with
        `DropNet.init`: runs then differ in the order of their samples alone, and a round that
        is trained again starts from the same weights. Only ``rewind="random"`` draws anew, by
        each layer's ``reset_parameters`` with the run's own generator. Torch's global
        generator is never touched.
    splits
        ``train`` trains and scores, ``val`` stops; the other parts are not read.
    settings
        Metric, p, κ and the recipe; None takes the defaults.
    start
        The last finished round of every run, to go on from; empty starts at round 0.
    unpruned
        Round 0 of the runs that teach, with `settings.teaching`: of each of these, or of a whole
        ensemble. Empty: this population's, which has to start at round 0 or 1 then.
    device
        Where to train. Yielded members are on the CPU.
    engine
        How to train: a name in `pruning.training.engines.engine.ENGINES`, or ``"auto"``.
    on_epoch
        Called with round, epoch and the run numbers still training.
    on_halved
        Called where the population is too large for the device's memory, before half of it goes
        on; by default it warns.
    stages
        Counts the seconds of ``data``, ``checks``, ``training``, ``scoring`` and ``cutting``.
    checkpoints
        Where the states of trainings between their epochs are kept, and found again by a
        population that goes on in mid-round; None: nowhere.

    Yields
    ------
    tuple of Member
        One for each run that still goes on, in run order.

    Raises
    ------
    RequestError
        Before anything is trained, if the network cannot be pruned as the settings ask.

    Examples
    --------
    >>> import numpy as np
    >>> from pruning import DropNet, Recipe, Splits
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 200)
    >>> splits = Splits.from_arrays(rng.normal(size=(200, 5)) + y[:, None], y)
    >>> settings = DropNet(keep=0.5, kappa=0.5, recipe=Recipe(max_epochs=3))
    >>> for (member,) in dropnet("mlp-a:8-6", splits, settings):
    ...     print(member.round, member.units, member.val_accuracy > 0.5)
    0 14 True
    1 12 True
    2 10 True
    3 8 True
    4 7 True
    """
    check_splits(splits)
    runs = runs if isinstance(runs, Runs) else Runs.of(runs)
    settings = settings or DropNet()
    stages = stages or Stages()
    with stages("data"):
        data = DeviceData.of(splits, device)
    with stages("checks"):
        training = Training(
            data, starting_recipe(settings, runs.arch), engine, on_halved, checkpoints
        )
        population = Population(runs, len(splits.classes), splits.input_shape, settings.init)
        full_width = FullWidth(population, training, settings.rewinding, on_epoch, stages)
        whole = full_width.theta0[runs.numbers[0]]
        units = find_units(whole, splits.input_shape, settings)
        settings = in_flops(settings, whole, splits.input_shape)
        aim = Aim.of(settings.target, whole, splits.input_shape)
    rounds = Rounds(full_width, units, settings, on_epoch, aim, stages)
    members = tuple(start)
    if not members:
        members = rounds.first_round()
        yield members
    rounds = dataclasses.replace(rounds, teachers=teachers_of(unpruned or members, runs, settings))
    while standing := [m for m in members if _goes_on(m, settings, aim)]:
        members = rounds.next_round(standing)
        if not members:
            return
        yield members


def _goes_on(member: Member, settings: DropNet, aim: Aim | None) -> bool:
    return (
        member.held(settings.least_held)
        and member.remaining > settings.least_kept
        and (settings.rounds is None or member.round < settings.rounds)
        and not (aim and aim.met(member.network))
    )
