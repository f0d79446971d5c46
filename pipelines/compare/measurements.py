"""Time and memory as values: of one contender, and of all that were measured together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

TURNS = 3
"""How often every contender is measured; the best counts."""


@dataclass(frozen=True)
class Measurements:
    """What was measured of one contender, kept apart from cost; None where nobody measured.

    Attributes
    ----------
    latency_1_ms, latency_128_ms
        Milliseconds for a batch of 1 and of 128.
    throughput
        Samples per second, in larger batches.
    peak_process_bytes
        Most memory that a process which loads it and predicts has held.
    disk_bytes
        Of its files, as the product stores them.
    """

    latency_1_ms: float | None = None
    latency_128_ms: float | None = None
    throughput: float | None = None
    peak_process_bytes: float | None = None
    disk_bytes: float | None = None


NOT_MEASURED = Measurements()


@dataclass(frozen=True)
class Measured:
    """What ``measurements.json`` holds.

    Attributes
    ----------
    team
        The selected team it was measured for.
    threads
        CPU threads of every contender.
    machine
        Processor, cores, system, and the day.
    contenders
        By name.
    """

    team: tuple[str, ...]
    threads: int
    machine: str
    contenders: Mapping[str, Measurements]

    @property
    def sentence(self) -> str:
        """How it was measured."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return (
            f"Time and memory were measured on {self.machine}, {threads} each, one process per "
            f"contender, {TURNS} turns, the best of each."
        )

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Measured:
        """Return what `dataclasses.asdict` made JSON of."""
        found = {name: Measurements(**values) for name, values in content["contenders"].items()}
        return cls(tuple(content["team"]), content["threads"], content["machine"], found)
