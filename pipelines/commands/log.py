"""``ensemble log``: a run's training curves for TensorBoard."""

from __future__ import annotations

from pathlib import Path

from pipelines.report.tensorboard import log_tensorboard
from pipelines.run.control_files import CONTROL
from pipelines.run.directory import RunDirectory


def run_log(*, source: str, tensorboard: str) -> None:
    """Write a run's logs for TensorBoard: every run's, and the control's where it has one."""
    run = RunDirectory.existing(Path(source))
    histories = {f"run-{one.run:02d}": one for one in run.trained_histories()}
    control = run.control()
    if control is not None and control.team == run.selection().team:
        histories[CONTROL] = control.history
    table = run.comparison_file.with_suffix(".md")
    comparison = table.read_text(encoding="utf-8") if table.is_file() else ""
    names = log_tensorboard(histories, comparison, Path(tensorboard))
    print(f"{tensorboard}: {len(names)} logs")
    print(f"next: tensorboard --logdir {tensorboard}")
