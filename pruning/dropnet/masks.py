"""The ranking step, on plain tensors: the lowest scores go, no layer is emptied."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor


def drop_lowest(
    importance: Mapping[str, Tensor],
    masks: Mapping[str, Tensor],
    fraction: float,
    *,
    per_layer: bool,
    generator: torch.Generator,
    spare_last: bool = True,
) -> dict[str, Tensor]:
    """Return the masks with the least important surviving units dropped.

    Parameters
    ----------
    importance
        Group name → (units,) float at full width; what dropped units hold is ignored.
    masks
        Group name → (units,) bool, True where a unit survives.
    fraction
        p, the share *of the units that survive* to drop, in (0, 1): k = max(1, ⌊p·n⌋).
    per_layer
        Rank within each layer, else over all layers together (Tan & Motani 2020, section
        3: ``minimum_layer`` and ``minimum``).
    generator
        Breaks ties.
    spare_last
        Whether a layer keeps its most important unit, and the next in the ranking goes instead.

    Returns
    -------
    dict
        New masks, subsets of the old. Where last units are spared, no layer is emptied; when
        every layer is down to one unit, the masks come back unchanged.

    >>> drop_lowest({"a": torch.tensor([3., 1., 2.])}, {"a": torch.tensor([True] * 3)}, 0.5,
    ...             per_layer=False, generator=torch.Generator())
    {'a': tensor([ True, False,  True])}
    """
    if not 0 < fraction < 1:
        raise ValueError(f"fraction {fraction} must lie between 0 and 1")
    scopes = [[name] for name in masks] if per_layer else [list(masks)]
    new = {name: mask.clone() for name, mask in masks.items()}
    for scope in scopes:
        to_drop = count_to_drop((masks[name] for name in scope), fraction)
        _drop_within(new, importance, scope, to_drop, generator, 1 if spare_last else 0)
    return new


def count_to_drop(masks: Iterable[Tensor], fraction: float) -> int:
    """Return k = max(1, ⌊p·n⌋): how many of the n units that survive a round drops.

    >>> count_to_drop([torch.tensor([True, False, True])], fraction=0.2)
    1
    """
    return max(1, int(fraction * sum(int(mask.sum()) for mask in masks)))


def round_down(
    importance: Mapping[str, Tensor],
    masks: Mapping[str, Tensor],
    multiple: int,
    *,
    generator: torch.Generator,
) -> dict[str, Tensor]:
    """Return the masks with each layer's count brought down to a multiple.

    Hardware likes channel counts that are a multiple of 8, say. A layer with fewer units
    than that is left as it is.

    >>> masks = round_down({"a": torch.arange(5.)}, {"a": torch.ones(5, dtype=torch.bool)}, 4,
    ...                    generator=torch.Generator())
    >>> masks["a"]
    tensor([False,  True,  True,  True,  True])
    """
    if multiple < 1:
        raise ValueError(f"multiple {multiple} must be 1 or more")
    new = {name: mask.clone() for name, mask in masks.items()}
    for name, mask in masks.items():
        count = int(mask.sum())
        if count > multiple:
            _drop_within(new, importance, [name], count % multiple, generator)
    return new


def remaining_fraction(masks: Mapping[str, Tensor]) -> float:
    """Return surviving units as a share of all units, in (0, 1].

    >>> remaining_fraction({"a": torch.tensor([True, False]), "b": torch.tensor([True, True])})
    0.75
    """
    kept = sum(int(mask.sum()) for mask in masks.values())
    return kept / sum(mask.numel() for mask in masks.values())


def _drop_within(
    masks: dict[str, Tensor],
    importance: Mapping[str, Tensor],
    scope: list[str],
    to_drop: int,
    generator: torch.Generator,
    least: int = 1,
) -> None:
    units = [(name, int(i)) for name in scope for i in masks[name].nonzero().flatten()]
    values = torch.tensor([float(importance[name][i]) for name, i in units], dtype=torch.float64)
    shuffle = torch.randperm(len(units), generator=generator)
    ranking = shuffle[values[shuffle].argsort(stable=True)]
    left = {name: int(masks[name].sum()) for name in scope}
    for position in ranking.tolist():
        if to_drop == 0:
            return
        name, i = units[position]
        if left[name] > least:
            masks[name][i] = False
            left[name] -= 1
            to_drop -= 1
