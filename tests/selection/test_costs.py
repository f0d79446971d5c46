"""What teams cost, and which fit a budget: by hand."""

from __future__ import annotations

import numpy as np

from selection.costs import Budget, PoolCosts


def test_a_team_that_costs_just_the_budget_fits() -> None:
    costs = PoolCosts(flops=np.array([1.0, 2.0, 3.0]), bytes=np.array([4.0, 4.0, 4.0]))
    teams = np.array([[0, 1], [0, 2], [1, 2]])
    assert Budget(flops=4).fits(costs, teams).tolist() == [True, True, False]
    assert Budget(flops=4, bytes=8).fits(costs, teams).tolist() == [True, True, False]
    assert Budget(flops=4, bytes=7.9).fits(costs, teams).tolist() == [False, False, False]
