"""The message of a wrong request is one readable line, whatever the value in it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ensemble
from pipelines.run.config import BuildConfig
from pruning.core.errors import LONGEST_LINE, RequestError


@pytest.mark.parametrize(
    "value", [np.zeros((9, 9)), "a\nb\r\nc\u2028d", "x" * 10**6, "x " * 10**5, "a/" * 10**4]
)
def test_any_value_leaves_one_line_with_both_its_ends(value: Any) -> None:
    told = str(RequestError(f"`size` {value}: allowed 1 and more"))
    assert told.startswith("`size` ") and told.endswith(": allowed 1 and more")
    assert len(told.splitlines()) == 1 and len(told) < LONGEST_LINE + 100


def test_a_line_that_is_one_stays_as_it_is() -> None:
    told = "photo  a.png" + 200 * "x" + "; give another"
    error = RequestError(told)
    assert str(error) == told and str(pickle.loads(pickle.dumps(error))) == told


TEAM = Path(__file__).parents[2] / "ensemble" / "artefacts" / "v2" / "team"
ODD: list[Any] = [np.zeros((2, 2)), [np.nan], {}, object(), 1.5]


@pytest.mark.parametrize("odd", ODD, ids=[type(odd).__name__ for odd in ODD])
@pytest.mark.parametrize(
    "call",
    [
        lambda odd: BuildConfig.of(keep=[odd]),
        lambda odd: BuildConfig.of(arch=odd),
        ensemble.load,
        lambda odd: ensemble.load(TEAM).set_params(cascade=odd),
        lambda odd: ensemble.load(TEAM).set_params(device=odd),
        lambda odd: ensemble.load(TEAM).set_params(batch_size=odd),
        lambda odd: ensemble.Ensemble(odd, classes=[0, 1], input_shape=(3,)),
    ],
    ids=["keep", "arch", "load", "cascade", "device", "batch_size", "networks"],
)
def test_values_of_any_kind_are_refused_by_a_line(call: Callable[[Any], Any], odd: Any) -> None:
    with pytest.raises(RequestError) as told:
        call(odd)
    assert "\n" not in str(told.value)
