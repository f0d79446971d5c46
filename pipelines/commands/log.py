"""``ensemble log``: a run's training curves for TensorBoard."""

from __future__ import annotations

from pathlib import Path

import click

from pipelines.report.tensorboard import log_name, log_tensorboard
from pipelines.run.control_files import CONTROLS
from pipelines.run.directory import RunDirectory


def run_log(*, source: str, tensorboard: str) -> None:
    """Write a run's logs for TensorBoard: every run's, and the controls' where it has any."""
    run = RunDirectory.existing(Path(source))
    if run.unchecked:
        click.echo(f"ensemble: {run.unchecked}", err=True)
    histories = {log_name(one.run): one for one in run.trained_histories()}
    for control in filter(None, map(run.control, CONTROLS)):
        if control.team == run.selection().team:
            histories |= zip(control.network_names, control.histories, strict=True)
    table = run.report.text
    comparison = run.read_own(table)
    if comparison is None and table.is_file():
        click.echo(
            f"ensemble: {table} is not the file that this run wrote and is left out; give the "
            "`ensemble compare` command again",
            err=True,
        )
    names = log_tensorboard(histories, (comparison or b"").decode(), Path(tensorboard))
    print(f"{tensorboard}: {len(names)} logs")
    print(f"next: tensorboard --logdir {tensorboard}")
