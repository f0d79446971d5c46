"""A pytest plugin: writes how long each test takes, in seconds, as JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

FILE = "ENSEMBLE_DURATIONS"
"""The environment variable that names the file."""

_seconds: dict[str, float] = {}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    _seconds[report.nodeid] = _seconds.get(report.nodeid, 0.0) + report.duration


def pytest_sessionfinish() -> None:
    Path(os.environ[FILE]).write_text(json.dumps(_seconds), encoding="utf-8")
