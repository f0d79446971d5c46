"""``comparison.csv``: one row per contender, its columns a file format."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import fields

import pandas as pd

from pipelines.compare.contenders import SELECTED
from pipelines.compare.interval import Interval
from pipelines.compare.measurements import Measurements
from pipelines.compare.paired_tests import REFERENCES
from pipelines.compare.results import Losses, Result
from pruning.inference.cost import Cost

_COSTS = {f.name: "parameters" if f.name == "params" else f.name for f in fields(Cost)}
"""A cost's name → its column."""


_TESTS = ("mcnemar_p", "mcnemar_holm", "bootstrap_p", "bootstrap_holm")


def table(rows: Sequence[Result]) -> pd.DataFrame:
    """Return ``comparison.csv``: one row per contender; what is known of none has no column."""
    frame = pd.DataFrame([_record(row) for row in rows])
    absent = [name for name in frame.columns.astype(str) if frame[name].isna().all()]
    return frame.drop(columns=absent)


def _record(row: Result) -> dict[str, object]:
    record: dict[str, object] = {"contender": row.contender, "members": row.members}
    record |= _ends("accuracy", row.accuracy) | _ends("balanced_accuracy", row.balanced_accuracy)
    for f in fields(Losses):
        record |= _ends(f.name, getattr(row.losses, f.name))
    record["temperature"] = row.temperature
    for f in fields(Losses):
        known = getattr(row.calibrated, f.name) if row.calibrated else Interval(math.nan)
        record |= _ends(f"{f.name}_calibrated", known)
    record["select_accuracy"] = row.select_accuracy
    for reference in (*REFERENCES, SELECTED):
        test = row.versus(reference)
        gap = test.difference if test else Interval(math.nan)
        record |= _ends(f"difference_to_{reference}", gap)
        for name in _TESTS:
            record[f"{name}_{reference}"] = getattr(test, name) if test else math.nan
    record |= {column: getattr(row.cost, name) for name, column in _COSTS.items()}
    record |= {f"{column}_ratio": getattr(row.ratios, name) for name, column in _COSTS.items()}
    for f in fields(Measurements):
        record[f.name] = getattr(row.measured, f.name)
        record[f"{f.name}_ratio"] = getattr(row.measured_ratios, f.name)
    record["epochs_seen"] = row.epochs_seen
    return record


def _ends(name: str, interval: Interval) -> dict[str, object]:
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}
