"""One pruning step of Algorithm 1: score a trained member's units, and mask those that go."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from pruning.core.seeds import torch_generator
from pruning.dropnet.coupling import PrunableUnits
from pruning.dropnet.masks import count_to_drop, drop_lowest, round_down
from pruning.dropnet.member import Member
from pruning.dropnet.oracle import oracle_drop
from pruning.dropnet.settings import METRICS, ORACLE, DropNet
from pruning.samples.stored import StoredSamples
from pruning.scores.score import Score
from pruning.scores.stacked_sweep import can_sweep_together, sweep_together
from pruning.scores.sweep import Means, check_metric, importances, metric_names, parse_metric
from pruning.surgery import Masks, UnitGroup
from pruning.surgery.groups import PrunedNetwork

HALVINGS = 7
"""How finely the last round's share is found: p divided by 128."""


def all_metrics() -> tuple[str, ...]:
    """Return every metric a run can drop by: the scores', and the oracle."""
    return (*metric_names(), *METRICS)


def check_fit(metric: str, network: nn.Module, groups: Sequence[UnitGroup]) -> None:
    """Raise `RequestError` if the network lacks what the metric looks at."""
    if metric not in METRICS:
        check_metric(metric, network, groups)


def observe_members(
    members: Sequence[Member], units: PrunableUnits, samples: StoredSamples, settings: DropNet
) -> list[Means | None]:
    """Return what the metric's score observes of each member, all in one sweep.

    None for each where they cannot share one: `drop_units` then sweeps by itself. Parameters
    are those of `drop_units`.
    """
    if settings.metric not in METRICS and len(members) > 1:
        networks, score = [member.network for member in members], _score(settings)
        if can_sweep_together(networks, units.masked, score):
            return [*sweep_together(networks, units.masked, score, samples)]
    return [None] * len(members)


def drop_units(
    member: Member,
    units: PrunableUnits,
    samples: StoredSamples,
    settings: DropNet,
    means: Means | None = None,
    enough: Callable[[Masks], bool] | None = None,
) -> dict[str, Tensor]:
    """Return the member's masks with the units of one round dropped.

    Parameters
    ----------
    member
        Trained.
    units
        What of its full-width network can be pruned.
    samples
        Training samples with labels, by which the units are scored.
    settings
        Of these the metric, p, the score's reading and the multiple to round down to.
    means
        What the score has observed of the member already (`observe_members`), or None.
    enough
        Says whether masks go as far as is wanted. Where p goes farther, as few units are
        dropped as are enough; None drops p. The oracle always drops p.
    """
    generator = torch_generator(member.seed, "scores", member.round)
    # Ties are drawn in the order of the groups, wherever the member comes from.
    masks = {group.name: member.masks[group.name] for group in units.masked}
    network = member.network.to(samples.images.device)
    if settings.metric == ORACLE:
        pruned = PrunedNetwork(network, units.masked, masks)
        new = oracle_drop(pruned, samples, count_to_drop(masks.values(), settings.fraction))
        importance = {name: mask.double() for name, mask in new.items()}
        network.to(torch.device("cpu"))
        return _rounded(importance, new, settings, generator)
    pruned = PrunedNetwork(network, units.masked, units.standing(masks))
    importance = importances(pruned, _score(settings), samples, generator=generator, means=means)
    network.to(torch.device("cpu"))
    drop = functools.partial(_drop, importance, masks, settings, generator.get_state())
    return _just_enough(drop, settings.fraction, enough)


def _drop(
    importance: Masks, masks: Masks, settings: DropNet, ties: Tensor, fraction: float
) -> dict[str, Tensor]:
    """Drop a share of what stands; ties are drawn alike whatever the share."""
    generator = torch.Generator()
    generator.set_state(ties)
    _, per_layer = parse_metric(settings.metric)
    new = drop_lowest(
        importance, masks, fraction,
        per_layer=per_layer, generator=generator, spare_last=settings.spare_last,
    )  # fmt: skip
    return _rounded(importance, new, settings, generator)


def _rounded(
    importance: Masks, masks: dict[str, Tensor], settings: DropNet, ties: torch.Generator
) -> dict[str, Tensor]:
    """Bring each layer's count down to the multiple that is asked for."""
    if settings.round_to == 1:
        return masks
    return round_down(importance, masks, settings.round_to, generator=ties)


def _just_enough(
    drop: Callable[[float], dict[str, Tensor]],
    fraction: float,
    enough: Callable[[Masks], bool] | None,
) -> dict[str, Tensor]:
    """Return what dropping p leaves, or less of p where that is enough already."""
    new = drop(fraction)
    if enough is None or not enough(new):
        return new
    too_little, most = 0.0, fraction
    for _ in range(HALVINGS):
        middle = (too_little + most) / 2
        found = drop(middle)
        if enough(found):
            new, most = found, middle
        else:
            too_little = middle
    return new


def _score(settings: DropNet) -> Score:
    score, _ = parse_metric(settings.metric)
    return score if settings.score_mode == "text" else score.as_published()
