"""A run as TensorBoard logs: every network's curves, the comparison as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.run.records import RunHistory
from pruning.core.errors import RequestError

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter


def log_tensorboard(
    histories: Mapping[str, RunHistory], comparison: str, folder: Path
) -> tuple[str, ...]:
    """Write logs below a new or empty folder; return the names written.

    A DropNet run is a TensorBoard run. Its epochs go on through the rounds
    (``epoch/val_loss``), and each round has its accuracy, its share of units and its cost
    (``round/val_accuracy``).

    Parameters
    ----------
    histories
        What each run is called, such as ``run-07``, and its rounds.
    comparison
        The last comparison as Markdown, a text of ``comparison``; empty where there is none.
    folder
        Where the logs go.

    Raises
    ------
    RequestError
        If TensorBoard is not installed, or `folder` holds files.
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
    for name, history in histories.items():
        with SummaryWriter(str(folder / name)) as writer:
            _log_history(writer, history)
    if not comparison:
        return tuple(histories)
    with SummaryWriter(str(folder / "comparison")) as writer:
        writer.add_text("comparison", comparison)
    return (*histories, "comparison")


def _log_history(writer: SummaryWriter, history: RunHistory) -> None:
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
