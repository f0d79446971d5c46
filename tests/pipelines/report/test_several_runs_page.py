"""Six runs on one page: every curve told apart and named, tables whole, no label struck."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from pipelines.compare.between_runs import against_the_first
from pipelines.compare.comparison import Comparison
from pipelines.compare.evidence import Evidence
from pipelines.compare.from_evidence import comparison_of
from pipelines.report.figures.drawing import HEIGHT, NARROW_WIDTH, WIDE, apart, name_width
from pipelines.report.figures.pruning_by_run import pruning_by_run
from pipelines.report.several_runs import markdown_many
from pipelines.report.several_runs_page import render_many

NAMES = ("one", "two-b", "three-of-a-very-long-name-that-ends-in-42", "four", "five", "six")
COMMAND = "ensemble build --m 3 --s 2 --data ./photos --metric minimum_layer --keep 0.25 --seed "


@pytest.fixture(scope="module")
def six(make_evidence: Callable[..., Evidence]) -> tuple[Comparison, ...]:
    """Six runs whose curves end close together; the last has other test samples."""
    found = []
    for seed, name in enumerate(NAMES):
        evidence = make_evidence(members=3, size=2, samples=120, seed=seed % 2, name=name)
        evidence = replace(evidence, test_sha256="b" if name == "six" else "a")
        found.append(comparison_of(evidence, command=f"{COMMAND}{seed}"))
    return against_the_first(found)


def drawing(six: tuple[Comparison, ...], width: int) -> str:
    draw = pruning_by_run(six).draw
    assert draw is not None
    return draw(width)


@pytest.mark.parametrize("width", [WIDE, NARROW_WIDTH])
def test_every_curve_looks_its_own_and_is_named_beside_the_plot(
    six: tuple[Comparison, ...], width: int
) -> None:
    svg = drawing(six, width)
    styles = re.findall(r'class="series" style="([^"]+)"', svg)
    assert len(styles) == 12  # each a curve and the piece of line before its name
    assert len({style.split(";")[0] for style in styles}) == 6
    assert all(styles.count(style) == 2 for style in styles)
    texts = re.findall(r'<text x="([\d.]+)" y="([\d.]+)" class="label">([^<]+)</text>', svg)
    assert len(texts) == 6
    assert {text[:3] for _, _, text in texts} == {name[:3] for name in NAMES}
    curves = re.findall(r'<path d="M([^"]+)" class="series"', svg)
    longest = sorted(curves, key=len)[-6:]
    ends = [float(place.split()[0]) for curve in longest for place in curve.split("L")]
    for x, _, text in texts:  # no curve runs as far right as a name begins
        assert max(ends) < float(x)
        assert float(x) + name_width(text) <= width + 8
    for (_, first, _), (_, second, _) in combinations(texts, 2):
        assert abs(float(first) - float(second)) >= 14
        assert max(float(first), float(second)) < HEIGHT


def test_runs_are_held_against_the_first_without_empty_cells_or_cut_commands(
    six: tuple[Comparison, ...],
) -> None:
    section = render_many(six).split('id="across"')[1].split("</section>")[0]
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", section)[1:]
    assert len(rows) == 5
    assert all(re.sub("<[^>]+>", "", cell) for row in rows for cell in row.split("</td>")[:-1])
    assert "other test samples" in rows[-1]
    listed = section.split("<dl")[1]
    for seed, name in enumerate(NAMES):
        assert f"<dt>{name}</dt><dd>{COMMAND}{seed}</dd>" in listed


def test_runs_of_other_samples_have_no_table_of_dashes(six: tuple[Comparison, ...]) -> None:
    apart_runs = [replace(one, against_first=None) for one in six]
    section = render_many(apart_runs).split('id="across"')[1].split("</section>")[0]
    assert "<table" not in section
    assert "No other run was tested on the samples of one" in section
    assert COMMAND in section
    assert markdown_many(apart_runs).count(":--") == 1


def test_names_stand_apart_in_their_order_within_bounds() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        places = rng.uniform(0, 100, rng.integers(1, 9)).tolist()
        found = apart(places, 10, 0, 100)
        order = np.argsort(places, kind="stable")
        moved = np.array(found)[order]
        assert (np.diff(moved) >= 10 - 1e-9).all()
        assert moved[0] >= -1e-9 and moved[-1] <= 100 + 1e-9
    assert apart([10.0, 40.0], 10, 0, 100) == [10.0, 40.0]
