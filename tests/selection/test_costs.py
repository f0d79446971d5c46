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


def test_what_floats_leave_of_a_sum_is_not_over_the_budget() -> None:
    """Three times 0.0001 is 0.00030000000000000003."""
    costs, team = PoolCosts(latency=np.full(3, 1e-4)), np.array([[0, 1, 2]])
    assert costs.total("latency", team)[0] > 3e-4
    assert Budget(latency=3e-4).fits(costs, team).tolist() == [True]
    assert Budget(latency=2.999999e-4).fits(costs, team).tolist() == [False]


def test_a_limit_that_no_team_of_the_size_exceeds_is_none() -> None:
    costs = PoolCosts.of(flops=[9.0, 2.0, 3.0], bytes=[4.0, 4.0, 4.0])
    asked = Budget(flops=12, bytes=8)
    assert asked.binding(costs, 2) == Budget()
    assert asked.binding(costs, 3) == asked
    assert Budget(flops=11, bytes=8).binding(costs, 2) == Budget(flops=11)
