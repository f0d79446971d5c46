"""Seeds: what is one, and that everything that draws says so in a line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pruning.core.errors import RequestError
from pruning.core.seeds import checked_seed, numpy_generator
from pruning.data.splits import Splits
from pruning.dropnet.population import Runs
from pruning.networks.architecture import build_network

WRONG = [None, -1, True, np.True_, 1.5, 2.0, "0", np.random.RandomState(0), np.array([1, 2])]


@pytest.mark.parametrize("seed", WRONG)
def test_what_is_no_seed_is_refused_by_name_wherever_it_is_given(seed: Any) -> None:
    y = np.arange(40) % 2
    for draws in (
        lambda: checked_seed(seed),
        lambda: Splits.from_arrays(np.zeros((40, 3)) + y[:, None], y, seed=seed),
        lambda: build_network("mlp-a:4-4", 2, (3,), seed=seed),
        lambda: Runs.of("mlp-a", 2, seed=seed),
    ):
        with pytest.raises(RequestError, match=r"^`seed` .*: allowed whole numbers, 0 and more$"):
            draws()


def test_integers_of_numpy_draw_as_pythons() -> None:
    drawn = [numpy_generator(seed, "split").random() for seed in (3, np.int64(3), np.uint8(3))]  # type: ignore[arg-type]
    assert len(set(drawn)) == 1
    assert Runs.of("mlp-a", 2, seed=np.int64(3)).seeds == (3, 4)  # type: ignore[arg-type]


@pytest.mark.parametrize("m", [0, -1, 2.5, 2.0, True, None, "2"])
def test_a_count_of_runs_is_a_whole_number(m: Any) -> None:
    with pytest.raises(RequestError, match=r"^`m` .*: allowed whole numbers, 1 and more$"):
        Runs.of("mlp-a", m)
