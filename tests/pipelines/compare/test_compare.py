"""The comparison on evidence whose answers are known."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import Contender, OtherForms
from pipelines.compare.evidence import Evidence
from pipelines.compare.from_evidence import comparison_of
from pipelines.compare.measurements import Measurements
from pipelines.compare.results import Result
from pruning.inference.cost import Cost

Make = Callable[..., Evidence]
NAMES = [
    "single_best_unpruned", "single_mean_unpruned", "top_s_unpruned", "hq_unpruned",
    "all_unpruned", "all_pruned", "random_s_pruned", "selected",
]  # fmt: skip


@pytest.fixture(scope="module")
def evidence(make_evidence: Make) -> Evidence:
    return make_evidence(members=8, size=3, classes=4, samples=300)


@pytest.fixture(scope="module")
def comparison(evidence: Evidence) -> Comparison:
    return comparison_of(evidence)


def test_the_table_has_the_designs_rows_and_columns(comparison: Comparison) -> None:
    table = comparison.table
    assert table["contender"].tolist() == NAMES
    assert table["members"].tolist() == [1, 1, 3, 3, 8, 8, 3, 3]
    asked = {"accuracy", "flops", "parameters", "bytes", "flops_ratio", "bytes_ratio"}
    assert asked <= set(table.columns)
    ratios = table.set_index("contender").loc["all_unpruned", ["flops_ratio", "bytes_ratio"]]
    assert ratios.tolist() == [1, 1]


def test_accuracies_are_those_of_the_mean_vote(evidence: Evidence, comparison: Comparison) -> None:
    test, unpruned = evidence.test, [m.id for m in evidence.members if m.round == 0]
    voted = test.rows(tuple(unpruned)).probabilities.mean(0).argmax(1)
    assert comparison.all_unpruned.accuracy.value == (voted == test.labels).mean()
    team = test.rows(evidence.selection.team).probabilities.mean(0).argmax(1)
    assert comparison.selected.accuracy.value == (team == test.labels).mean()
    singles = test.rows(tuple(unpruned)).accuracies
    assert comparison.row("single_mean_unpruned").accuracy.value == pytest.approx(singles.mean())


def test_the_single_best_is_best_on_select_not_on_test(
    evidence: Evidence, comparison: Comparison
) -> None:
    unpruned = tuple(m.id for m in evidence.members if m.round == 0)
    best = evidence.select.rows(unpruned).accuracies.argmax()
    assert comparison.single_best.accuracy.value == evidence.test.rows(unpruned).accuracies[best]
    assert comparison.single_best.select_accuracy == evidence.select.rows(unpruned).accuracies[best]


def test_costs_are_sums_over_the_team_and_the_hungriest_activation(
    evidence: Evidence, comparison: Comparison
) -> None:
    members = [m for m in evidence.members if m.id in evidence.selection.team]
    cost = comparison.selected.cost
    assert cost.flops == sum(m.cost.flops for m in members)
    assert cost.params == sum(m.cost.params for m in members)
    assert cost.peak_activation_bytes == max(m.cost.peak_activation_bytes for m in members)


def test_the_same_seed_gives_the_same_table_and_another_only_other_draws(
    evidence: Evidence, comparison: Comparison
) -> None:
    pd.testing.assert_frame_equal(comparison_of(evidence).table, comparison.table)
    other = comparison_of(evidence, seed=1).table
    assert (
        other["accuracy"][[0, 2, 4, 7]].tolist()
        == comparison.table["accuracy"][[0, 2, 4, 7]].tolist()
    )
    assert other["log_loss_low"].tolist() != comparison.table["log_loss_low"].tolist()


def test_what_was_not_measured_has_no_column_and_is_said(
    evidence: Evidence, comparison: Comparison
) -> None:
    assert "latency_1_ms" in comparison.not_measured
    assert "latency_1_ms" not in comparison.table
    measured = comparison_of(
        evidence, measured=lambda _: {"selected": Measurements(latency_1_ms=1.5)}
    )
    assert "latency_1_ms" not in measured.not_measured
    assert measured.table.set_index("contender")["latency_1_ms"]["selected"] == 1.5


def test_the_gap_from_select_to_test_is_told_of_what_was_chosen_on_select(
    evidence: Evidence, comparison: Comparison
) -> None:
    assert list(comparison.select_test_gap) == [
        "single_best_unpruned", "top_s_unpruned", "hq_unpruned", "selected"
    ]  # fmt: skip
    for name, gap in comparison.select_test_gap.items():
        row = comparison.row(name)
        assert row.select_accuracy is not None
        assert gap.value == pytest.approx(row.select_accuracy - row.accuracy.value)
        assert gap.low < gap.value < gap.high
        errors = sum(p * (1 - p) / 300 for p in (row.select_accuracy, row.accuracy.value))
        assert gap.high - gap.low == pytest.approx(2 * 1.96 * errors**0.5, rel=0.1)


def test_nobody_beats_those_on_the_pareto_front(comparison: Comparison) -> None:
    def beaten(row: Result) -> bool:
        return any(
            other.cost.flops <= row.cost.flops and other.accuracy.value >= row.accuracy.value
            and (other.cost.flops, other.accuracy.value) != (row.cost.flops, row.accuracy.value)
            for other in comparison.results
        )  # fmt: skip

    front = [comparison.row(name) for name in comparison.pareto]
    assert [row.cost.flops for row in front] == sorted({row.cost.flops for row in front})
    assert not any(beaten(row) for row in front)
    assert all(beaten(row) for row in comparison.results if row not in front)


def test_the_mean_of_one_run_claims_no_interval(make_evidence: Make) -> None:
    alone = comparison_of(make_evidence(members=1, size=1, classes=3, samples=50, method="top"))
    assert all(math.isnan(p.accuracy.low) and math.isnan(p.accuracy.high) for p in alone.mean_curve)
    assert [p.runs for p in alone.mean_curve] == [1] * len(alone.mean_curve)


def test_who_else_is_brought_along_moves_nobodys_interval(evidence: Evidence) -> None:
    labels = evidence.test.labels
    drawn = np.random.default_rng(0).dirichlet(np.ones(4), (2, len(labels))).astype(np.float32)
    cost = Cost(10.0, 5.0, 20.0, 1.0)
    control, onnx = (
        Contender.of(name, 1, probabilities, labels, cost, temperature=1.5)
        for name, probabilities in zip(("control", "onnx"), drawn, strict=True)
    )
    alone = comparison_of(evidence, others=OtherForms((control,)))
    both = comparison_of(evidence, others=OtherForms((control, onnx)))
    for one in alone.results:
        other = both.row(one.contender)
        assert other.losses.log_loss.low == pytest.approx(one.losses.log_loss.low)
        if one.calibrated:
            assert other.calibrated is not None
            assert other.calibrated.log_loss.low == pytest.approx(one.calibrated.log_loss.low)
        for test, again in zip(one.against, other.against, strict=True):
            assert test.difference == again.difference
            assert test.bootstrap_p == again.bootstrap_p


def test_further_contenders_come_as_values(evidence: Evidence) -> None:
    labels = evidence.test.labels
    perfect = np.eye(4, dtype=np.float32)[labels]
    extra = Contender.of("control", 1, perfect, labels, Cost(10.0, 5.0, 20.0, 1.0))
    row = comparison_of(evidence, others=OtherForms((extra,))).row("control")
    assert row.accuracy.value == 1 and row.accuracy.low < 1
    assert [getattr(row.losses, n).value for n in ("log_loss", "brier", "ece")] == [0, 0, 0]
    assert {test.judgement.value for test in row.against} == {"better"}


def test_a_run_that_selected_all_unpruned_is_told_equal_with_doubt(make_evidence: Make) -> None:
    evidence = make_evidence(members=4, size=4, classes=3, samples=200)
    unpruned = tuple(m.id for m in evidence.members if m.round == 0)
    chosen = replace(evidence.selection, team=unpruned, pool=unpruned)
    test = comparison_of(replace(evidence, selection=chosen)).selected.versus("all_unpruned")
    assert test is not None
    assert (test.difference.value, test.mcnemar_p) == (0, 1)
    assert test.difference.low < 0 < test.difference.high


def test_pruning_that_ruins_is_called_worse(make_evidence: Make) -> None:
    ruined = comparison_of(make_evidence(members=6, size=3, samples=500, loss_by_pruning=0.8))
    tests = {test.reference: test.judgement.value for test in ruined.selected.against}
    assert tests == {"all_unpruned": "worse", "single_best_unpruned": "worse"}


def test_what_is_brought_along_changes_nothing_said_of_the_runs_own_teams(
    evidence: Evidence, comparison: Comparison
) -> None:
    labels = evidence.test.labels
    extras = [
        Contender.of(
            f"control{k}", 1, np.roll(np.eye(4, dtype=np.float32)[labels], k, 0), labels,
            Cost(10.0, 5.0, 20.0, 1.0), temperature=1.5,
        )
        for k in range(3)
    ]  # fmt: skip
    table = comparison_of(evidence, others=OtherForms(tuple(extras))).table.set_index("contender")
    own = comparison.table.set_index("contender")
    holm = [name for name in own if "holm" in name]
    assert len(holm) == 4
    shared = [*holm, "accuracy_low", "mcnemar_p_all_unpruned"]
    pd.testing.assert_frame_equal(table.loc[own.index, shared], own[shared])
    perfect, rolled = table.loc["control0"], table.loc["control1"]
    assert perfect["mcnemar_p_selected"] < perfect["mcnemar_holm_selected"] < 0.001
    assert rolled["difference_to_selected"] < 0
    assert table.loc["control0", "temperature"] == 1.5


def test_every_team_is_calibrated_on_the_selection_split(
    evidence: Evidence, comparison: Comparison
) -> None:
    from ensemble.calibration import fit_temperature, temper
    from pipelines.compare.probability_scores import score

    team = evidence.selection.team
    select, test = evidence.select.rows(team), evidence.test.rows(team)
    fitted = fit_temperature(select.probabilities.mean(0), select.labels)
    selected = comparison.selected
    assert selected.temperature == pytest.approx(fitted, rel=1e-5)
    assert selected.calibrated is not None
    known = score(temper(test.probabilities.mean(0), fitted), test.labels)
    assert selected.calibrated.log_loss.value == pytest.approx(known.log_loss.mean(), rel=1e-4)
    assert selected.calibrated.brier.value == pytest.approx(known.brier.mean(), rel=1e-4)
    assert selected.calibrated.ece.value == pytest.approx(known.ece, abs=1e-3)
    several = {"single_mean_unpruned", "random_s_pruned"}
    assert {row.contender for row in comparison.results if row.calibrated is None} == several
