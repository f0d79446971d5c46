from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pruning.dropnet.masks import drop_lowest, remaining_fraction


def _drop(
    values: dict[str, list[float]], fraction: float, *, per_layer: bool = False, seed: int = 0
) -> dict[str, list[bool]]:
    importance = {name: torch.tensor(v) for name, v in values.items()}
    masks = {name: torch.ones(len(v), dtype=torch.bool) for name, v in values.items()}
    new = drop_lowest(
        importance, masks, fraction,
        per_layer=per_layer, generator=torch.Generator().manual_seed(seed),
    )  # fmt: skip
    return {name: mask.tolist() for name, mask in new.items()}


def test_globally_the_lowest_of_all_layers_go() -> None:
    new = _drop({"a": [1.0, 5.0, 6.0], "b": [2.0, 3.0, 4.0, 7.0, 8.0, 9.0, 10.0]}, 0.3)
    assert new == {"a": [False, True, True], "b": [False, False, True, True, True, True, True]}


def test_per_layer_the_lowest_of_each_go() -> None:
    new = _drop({"a": [1.0, 2.0], "b": [30.0, 10.0, 20.0, 40.0]}, 0.5, per_layer=True)
    assert new == {"a": [False, True], "b": [True, False, False, True]}


def test_at_least_one_unit_goes_a_round() -> None:
    assert _drop({"a": [2.0, 1.0, 3.0]}, 0.01) == {"a": [True, False, True]}


def test_no_layer_is_emptied_and_the_next_in_rank_goes_instead() -> None:
    new = _drop({"a": [0.1, 0.2], "b": [1.0, 2.0, 3.0, 4.0]}, 0.5)
    assert new == {"a": [False, True], "b": [False, False, True, True]}


def test_a_layer_that_is_not_spared_is_emptied() -> None:
    importance = {"a": torch.tensor([0.1, 0.2]), "b": torch.tensor([1.0, 2.0, 3.0, 4.0])}
    masks = {name: torch.ones(len(values), dtype=torch.bool) for name, values in importance.items()}
    new = drop_lowest(
        importance, masks, 0.5,
        per_layer=False, generator=torch.Generator(), spare_last=False,
    )  # fmt: skip
    assert {name: mask.tolist() for name, mask in new.items()} == {
        "a": [False, False], "b": [False, True, True, True],
    }  # fmt: skip


def test_when_every_layer_is_down_to_one_nothing_changes() -> None:
    assert _drop({"a": [1.0], "b": [2.0]}, 0.5) == {"a": [True], "b": [True]}


def test_dropped_units_do_not_count() -> None:
    importance = {"a": torch.tensor([0.0, 3.0, 2.0, 1.0])}
    masks = {"a": torch.tensor([False, True, True, True])}
    new = drop_lowest(importance, masks, 0.34, per_layer=False, generator=torch.Generator())
    assert new["a"].tolist() == [False, True, True, False]


def test_ties_are_broken_by_the_generator() -> None:
    outcomes = {str(_drop({"a": [1.0] * 6}, 0.5, seed=seed)) for seed in range(20)}
    assert len(outcomes) > 1
    assert _drop({"a": [1.0] * 6}, 0.5, seed=3) == _drop({"a": [1.0] * 6}, 0.5, seed=3)


@given(
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=4),
    fraction=st.floats(0.01, 0.99),
    per_layer=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_masks_nest_and_drop_what_is_due(
    sizes: list[int], fraction: float, per_layer: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    masks = {str(i): torch.ones(n, dtype=torch.bool) for i, n in enumerate(sizes)}
    for _ in range(4):
        importance = {k: torch.rand(len(m), generator=generator) for k, m in masks.items()}
        new = drop_lowest(importance, masks, fraction, per_layer=per_layer, generator=generator)
        scopes = [[k] for k in masks] if per_layer else [list(masks)]
        for scope in scopes:
            before = sum(int(masks[k].sum()) for k in scope)
            after = sum(int(new[k].sum()) for k in scope)
            due = max(1, int(fraction * before))
            assert before - after == min(due, before - len(scope))
        for name in masks:
            assert bool((new[name] <= masks[name]).all())
            assert bool(new[name].any())
        masks = new
    assert 0 < remaining_fraction(masks) <= 1


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, float("nan")])
def test_a_fraction_outside_0_and_1_is_refused(fraction: float) -> None:
    with pytest.raises(ValueError, match="fraction"):
        _drop({"a": [1.0, 2.0]}, fraction)
