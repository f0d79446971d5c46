"""The report says what the CSV says."""

from __future__ import annotations

import csv as reading
import io
import re
from collections.abc import Callable

import pytest

from pipelines.compare import Comparison, compare
from pipelines.evidence import Evidence
from pipelines.report import csv, render


@pytest.fixture(scope="module")
def comparison(make_evidence: Callable[..., Evidence]) -> Comparison:
    return compare(make_evidence(members=8, size=3, classes=4, samples=300))


def test_every_number_in_the_tables_is_the_csvs(comparison: Comparison) -> None:
    file = {row["contender"]: row for row in reading.DictReader(io.StringIO(csv(comparison)))}
    page = render(comparison)
    rows = re.findall(r'<tr[^>]* data-contender="(\w+)">(.*?)</tr>', page)
    found = [
        (name, column, float(value))
        for name, row in rows
        for value, column in re.findall(r'<data value="([^"]+)" data-column="(\w+)">', row)
    ]
    assert len(found) > 100
    for name, column, value in found:
        assert float(file[name][column]) == value, (name, column)
