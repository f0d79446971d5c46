"""One pruning step of Algorithm 1: which units of a trained member go."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from pruning.core.seeds import torch_generator
from pruning.dropnet.masks import drop_lowest, round_down
from pruning.dropnet.member import Member
from pruning.dropnet.oracle import Samples, oracle_drop
from pruning.dropnet.settings import METRICS, ORACLE, ScoreMode
from pruning.scores.stacked_sweep import can_sweep_together, sweep_together
from pruning.scores.sweep import (
    Means,
    check_metric,
    importances,
    metric_names,
    parse_metric,
)
from pruning.surgery import Masks, UnitGroup
from pruning.training.training_loop import DeviceData


def all_metrics() -> tuple[str, ...]:
    """Return every metric a run can drop by: the scores', and the oracle."""
    return (*metric_names(), *METRICS)


def check_fit(metric: str, network: nn.Module, groups: Sequence[UnitGroup]) -> None:
    """Raise `RequestError` if the network lacks what the metric looks at."""
    if metric not in METRICS:
        check_metric(metric, network, groups)


def see_together(
    members: Sequence[Member],
    groups: Sequence[UnitGroup],
    data: DeviceData,
    *,
    metric: str,
    score_mode: ScoreMode,
) -> list[Means | None]:
    """Return what the metric's score sees of each member, in one sweep; None where it cannot.

    Parameters are those of `drop_units`.
    """
    if metric in METRICS or len(members) < 2:
        return [None] * len(members)
    score, _ = parse_metric(metric)
    score = score if score_mode == "text" else score.as_published()
    networks = [member.network for member in members]
    if not can_sweep_together(networks, groups, score):
        return [None] * len(members)
    return [*sweep_together(networks, groups, score, data.train_images, data.scaling)]


def drop_units(
    member: Member,
    groups: Sequence[UnitGroup],
    data: DeviceData,
    *,
    metric: str,
    score_mode: ScoreMode,
    fraction: float,
    round_to: int,
    seen: Means | None = None,
    held: Masks | None = None,
) -> dict[str, Tensor]:
    """Return the member's masks with the units of one round dropped.

    Parameters
    ----------
    member
        Trained.
    groups
        At full width.
    data
        Its training part scores the units.
    metric, score_mode, fraction, round_to
        As in `pruning.dropnet.algorithm.DropNet`.
    seen
        What the score has seen of the member already (`see_together`), or None.
    held
        Which units the network physically holds, if those are more than the masks keep.
    """
    generator = torch_generator(member.seed, "scores", member.round)
    # Ties are drawn in the order of the groups, wherever the member comes from.
    masks = {group.name: member.masks[group.name] for group in groups}
    network = member.network.to(data.train_images.device)
    if metric == ORACLE:
        standing = sum(int(mask.sum()) for mask in masks.values())
        samples = Samples(data.train_images, data.train_labels, data.scaling)
        new = oracle_drop(network, groups, masks, samples, max(1, int(fraction * standing)))
        importance = {name: mask.double() for name, mask in new.items()}
    else:
        score, per_layer = parse_metric(metric)
        importance = importances(
            network, groups, masks if held is None else held,
            score if score_mode == "text" else score.as_published(),
            data.train_images, data.scaling, generator=generator, labels=data.train_labels,
            seen=seen,
        )  # fmt: skip
        new = drop_lowest(importance, masks, fraction, per_layer=per_layer, generator=generator)
    network.to(torch.device("cpu"))
    if round_to > 1:
        new = round_down(importance, new, round_to, generator=generator)
    return new
