"""A run as TensorBoard logs: every network's curves, the comparison as text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.compare.gather import stored_selection
from pipelines.run.control import CONTROL, stored_control
from pipelines.run.directory import RunDirectory
from pipelines.run.member_files import History
from pruning.core.errors import RequestError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def log_tensorboard(run: RunDirectory, folder: Path) -> tuple[str, ...]:
    """Write a finished run's logs below a new or empty folder; return the names written.

    A DropNet run is a TensorBoard run, ``run-07``. Its epochs go on through the rounds
    (``epoch/val_loss``), and each round has its accuracy, its share of units and its cost
    (``round/val_accuracy``). The control, where there is one, is ``control``; the last
    comparison is a text of ``comparison``.

    Raises
    ------
    RequestError
        If TensorBoard is not installed, the run is not finished, or `folder` holds files.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise RequestError(
            "logs for TensorBoard need tensorboard; "
            "install with pip install 'dropnet-ensemble[tensorboard]'"
        ) from error
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{folder} holds files already; give a new folder")
    histories = dict(_histories(run))
    for name, history in histories.items():
        with SummaryWriter(str(folder / name)) as writer:
            _log_history(writer, history)
    table = run.comparison_file.with_suffix(".md")
    if not table.is_file():
        return tuple(histories)
    with SummaryWriter(str(folder / "comparison")) as writer:
        writer.add_text("comparison", table.read_text(encoding="utf-8"))
    return (*histories, "comparison")


def _histories(run: RunDirectory) -> Iterator[tuple[str, History]]:
    for history in run.histories():
        yield f"run-{history.run:02d}", history
    control = stored_control(run, stored_selection(run).team)
    if control is not None:
        yield CONTROL, control.history


def _log_history(writer: SummaryWriter, history: History) -> None:
    step = 0
    for entry in history.rounds:
        for epoch in entry.epochs:
            for name, value in vars(epoch).items():
                writer.add_scalar(f"epoch/{name}", value, step)
            step += 1
        shown = {
            "val_accuracy": entry.val_accuracy,
            "units_remaining": entry.remaining,
            "flops": entry.cost.flops,
            "parameters": entry.cost.params,
        }
        for name, value in shown.items():
            writer.add_scalar(f"round/{name}", value, entry.round)
    writer.add_text("architecture", f"{history.arch}, seed {history.seed}")
