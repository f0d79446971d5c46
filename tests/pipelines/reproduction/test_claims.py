"""Every claim's curves: published values that exist, at the shares that dropping leaves."""

from collections.abc import Iterator

import pytest

from pipelines.reproduction.budget import Budget, remaining_of
from pipelines.reproduction.claim import OURS_SUFFIX, Claim, Curve, Figure
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.published import published_curve


def curves() -> Iterator[tuple[str, Figure, Curve]]:
    for name in CLAIMS:
        for figure in CLAIMS[name].figures:
            for curve in figure.curves:
                yield name, figure, curve


def widths(figure: Figure) -> list[int]:
    usual = {"conv-b": "64-64", "conv-c4": "64-64-128-128"}
    arch, _, given = figure.arch.partition(":")
    return [int(width) for width in (given or usual[arch]).split("-")]


def left_after_each_round(curve: Curve, counts: list[int], rounds: int) -> list[int]:
    """Units that remain, by the published rule: max(1, int(p·n)) go, of all or of each layer."""
    scopes = counts if curve.settings.metric.endswith("_layer") else [sum(counts)]
    left = [sum(scopes)]
    for _ in range(rounds):
        scopes = [n - max(1, int(curve.settings.fraction * n)) if n else 0 for n in scopes]
        left.append(sum(scopes))
    return left


@pytest.mark.parametrize(
    ("figure", "curve"), [pytest.param(f, c, id=f"{n}-{f.name}-{c.name}") for n, f, c in curves()]
)
def test_published_shares_are_those_that_dropping_leaves(figure: Figure, curve: Curve) -> None:
    counts, shares = widths(figure), remaining_of(figure, curve)

    left = left_after_each_round(curve, counts, len(shares) - 1)

    assert [n / sum(counts) for n in left] == pytest.approx(shares, abs=5e-4)


@pytest.mark.parametrize("name", CLAIMS.names())
def test_pairs_and_published_curves_are_there(name: str) -> None:
    claim = CLAIMS[name]
    for figure in claim.figures:
        named = {curve.name for curve in figure.curves}
        assert len(named) == len(figure.curves)
        for curve in figure.curves:
            asked = Budget().of_curve(figure, curve)
            if not curve.name.endswith(OURS_SUFFIX):
                values = published_curve(figure.published, curve.published)
                assert len(values.accuracy) == (asked.settings.rounds or 0) + 1
                assert all(0 <= value <= 1 for value in values.accuracy)
                assert len(values.reading_error) == len(values.accuracy)
        assert {name for pair in claim.pairs for name in pair} <= named


def test_a_claim_says_what_and_where() -> None:
    for name in CLAIMS:
        assert isinstance(CLAIMS[name], Claim)
        assert CLAIMS[name].title
        assert "20" in CLAIMS[name].source
