"""Every claim's curves: published values that exist, at the shares that dropping leaves."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from pipelines.reproduction.budget import Budget
from pipelines.reproduction.claim import OURS_SUFFIX, Claim, Curve, Figure
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.dropnet_curve import DropNetCurve
from pipelines.reproduction.published import published_curve
from pipelines.reproduction.row_files import read_header
from pruning.dropnet.fit import find_units
from pruning.dropnet.settings import Coupling, DropNet
from pruning.networks.architecture import build_network

RESULTS = Path(__file__).parents[3] / "results" / "reproduction"


def curves() -> Iterator[tuple[str, Figure, Curve]]:
    for name in CLAIMS:
        for figure in CLAIMS[name].figures:
            for curve in figure.curves:
                yield name, figure, curve


def left_after_each_round(curve: DropNetCurve, counts: list[int], rounds: int) -> list[int]:
    """Units that remain, by the published rule: max(1, int(p·n)) go, of all or of each layer."""
    scopes = counts if curve.settings.metric.endswith("_layer") else [sum(counts)]
    left = [sum(scopes)]
    for _ in range(rounds):
        scopes = [n - max(1, int(curve.settings.fraction * n)) if n else 0 for n in scopes]
        left.append(sum(scopes))
    return left


@cache
def layer_widths(arch: str, data: str, coupling: Coupling) -> list[int]:
    shape = (3, 32, 32) if data == "cifar10" else (1, 28, 28)
    settings = DropNet(coupling=coupling)
    units = find_units(build_network(arch, 10, shape, 0), shape, settings)
    return [group.size for group in units.masked]


@pytest.mark.parametrize(
    ("figure", "curve"),
    [
        pytest.param(f, c, id=f"{n}-{f.name}-{c.name}")
        for n, f, c in curves()
        if isinstance(c, DropNetCurve)
    ],
)
def test_published_shares_are_those_that_dropping_leaves(
    figure: Figure, curve: DropNetCurve
) -> None:
    counts = layer_widths(figure.arch, figure.data, curve.settings.coupling)
    shares = Budget().remaining_of(figure, curve)

    left = left_after_each_round(curve, counts, len(shares) - 1)

    assert [n / sum(counts) for n in left] == pytest.approx(shares, abs=5e-4)


@pytest.mark.parametrize("name", CLAIMS.names())
def test_pairs_and_published_curves_are_there(name: str) -> None:
    claim = CLAIMS[name]
    for figure in claim.figures:
        named = {curve.name for curve in figure.curves}
        assert len(named) == len(figure.curves)
        for curve in figure.curves:
            shares = Budget().remaining_of(figure, curve)
            assert shares[0] == 1
            assert list(shares) == sorted(set(shares), reverse=True)
            if not curve.name.endswith(OURS_SUFFIX):
                values = published_curve(figure.published, curve.published)
                assert len(values.accuracy) == len(shares)
                assert all(0 <= value <= 1 for value in values.accuracy)
                assert len(values.reading_error) == len(values.accuracy)
    for pair in claim.pairs:
        assert any(set(pair) <= {curve.name for curve in f.curves} for f in claim.figures)


def test_a_claim_says_what_and_where() -> None:
    for name in CLAIMS:
        claim = CLAIMS[name]
        assert isinstance(claim, Claim)
        assert claim.title
        assert "20" in claim.source
        assert len(set(claim.parts)) == len(claim.parts) > 0


def test_the_runs_that_are_committed_are_those_that_would_be_made_today() -> None:
    """Else whoever adds seeds is told to move them away."""
    there = 0
    for name, figure, curve in curves():
        path = RESULTS / name / figure.name / f"{curve.name}.jsonl"
        if path.is_file():
            asked = curve.asked(Budget().remaining_of(figure, curve), quick=False)
            kept, told = curve.today(read_header(path)), asked.described()
            assert {key: kept[key] for key in told} == told, path
            there += 1
    assert there > 10
