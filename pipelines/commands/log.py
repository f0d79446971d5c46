"""``ensemble log``."""

from __future__ import annotations

from pathlib import Path

from pipelines.report.tensorboard import log_tensorboard
from pipelines.run.directory import RunDirectory


def run_log(*, source: str, tensorboard: str) -> None:
    """Write a run's logs for TensorBoard."""
    names = log_tensorboard(RunDirectory.existing(Path(source)), Path(tensorboard))
    print(f"{tensorboard}: {len(names)} logs")
    print(f"next: tensorboard --logdir {tensorboard}")
