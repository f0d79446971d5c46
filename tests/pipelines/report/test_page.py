"""The report says what the CSV says, to everybody, in any size."""

from __future__ import annotations

import csv as reading
import io
import re
import time
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from pipelines.compare.comparison import Comparison
from pipelines.compare.evidence import Evidence
from pipelines.compare.from_evidence import comparison_of
from pipelines.report.csv import csv
from pipelines.report.number_format import percent
from pipelines.report.page import render

Make = Callable[..., Evidence]
VOID = {"meta", "img", "br", "col", "link", "hr", "input"}


class Outline(HTMLParser):
    """Checks that elements nest, and gathers what is asked of them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, wanted: str) -> list[dict[str, Any]]:
        return [attributes for tag, attributes in self.seen if tag == wanted]


@pytest.mark.parametrize("which", ["comparison", "everything"])
def test_every_number_in_the_tables_is_the_csvs(which: str, request: pytest.FixtureRequest) -> None:
    comparison = request.getfixturevalue(which)
    file = {row["contender"]: row for row in reading.DictReader(io.StringIO(csv(comparison)))}
    rows = re.findall(r'<tr[^>]* data-contender="(\w+)">(.*?)</tr>', render(comparison))
    found = [
        (name, column, float(value))
        for name, row in rows
        for value, column in re.findall(r'<data value="([^"]+)" data-column="(\w+)">', row)
    ]
    assert {name for name, _, _ in found} == set(file)
    assert len(found) > 150
    for name, column, value in found:
        assert float(file[name][column]) == value, (name, column)


def test_the_opening_shows_the_tables_numbers(comparison: Comparison) -> None:
    opening = render(comparison).split("</header>")[0]
    assert percent(comparison.selected.accuracy.value) in opening
    assert percent(comparison.all_unpruned.accuracy.value) in opening


def test_it_needs_nothing_from_outside(comparison: Comparison) -> None:
    outline = Outline(render(comparison))
    sources = [a.get("src") or a.get("href") or "" for _, a in outline.seen]
    assert all(s == "" or s.startswith(("data:", "#")) for s in sources)
    assert not re.search(r"https?://|@import|url\(", render(comparison))


def test_every_picture_has_its_text_and_every_link_its_target(comparison: Comparison) -> None:
    page = render(comparison)
    outline = Outline(page)
    ids = [a["id"] for _, a in outline.seen if a.get("id")]
    assert len(ids) == len(set(ids))
    named = [a for _, a in outline.seen if a.get("role") == "img"]
    assert len(named) >= 18
    for attributes in named:
        assert {attributes["aria-labelledby"], attributes["aria-describedby"]} <= set(ids)
    assert all(image["alt"] for image in outline.all("img"))
    assert all(link["href"][1:] in ids for link in outline.all("a"))
    assert all(len(re.findall(f'id="{name}"', page)) == 1 for name in ids)


def test_what_should_be_said_is_said(comparison: Comparison) -> None:
    page = render(comparison)
    for words in (
        "Gap between selection and test", "run 1 round 5", "Not measured", "train 2,400", "McNemar",
        "ensemble build --m 8 --s 3", "numpy", "Seed of the run",
    ):  # fmt: skip
        assert words in page, words


@pytest.mark.parametrize(
    ("members", "size", "classes", "images"),
    [
        (2, 1, 2, True),
        (2, 2, 200, True),
        (200, 5, 2, False),
        pytest.param(200, 5, 200, True, marks=pytest.mark.slow),
    ],
)
def test_it_renders_small_and_large_in_time_and_size(
    make_evidence: Make, members: int, size: int, classes: int, images: bool
) -> None:
    evidence = make_evidence(members, size, classes, 400, images=images, method="top")
    start = time.process_time()  # other work on the machine does not count
    page = render(comparison_of(evidence, choose=lambda pool, s: pool.member_ids[:s]))
    assert time.process_time() - start < 20
    assert len(page.encode()) < 2_000_000
    Outline(page)


def test_a_run_without_rounds_or_classes_hit_still_renders(make_evidence: Make) -> None:
    evidence = make_evidence(1, 1, 3, 20, method="top")
    assert "The team is one network" in render(comparison_of(evidence))


def test_what_was_brought_along_and_measured_is_told(everything: Comparison) -> None:
    page = render(everything)
    for words in (
        "One unpruned network as costly, at", "the team shows no significant difference",
        "Selected 3, cascade", "Paired tests against: Selected 3", "Peak process memory",
        "Measured on a processor that is none", "was not compared: a note.",
        "After the temperature fitted on the selection split",
    ):  # fmt: skip
        assert words in page, words
    assert "Not measured: energy. Everything else of the table was." in page
    shares = re.findall(r"([\d.]+)\u202f% of all<", page)
    assert len(shares) > 20
