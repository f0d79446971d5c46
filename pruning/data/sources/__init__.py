"""The named data sets, one file each; `SOURCES` finds them.

A source takes the data folder (or None) and returns a `RawData`. It imports what it needs
when it is called, so that listing the names loads nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pruning.core.registry import Registry
from pruning.data.raw import RawData

Source = Callable[[Path | None], RawData]

SOURCES: Registry[Source] = Registry("data set", "pruning.data.sources")
