"""A run as TensorBoard logs: every network's curves, live or at its end; the comparison as text."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.build.progress import Event, RoundDone
from pipelines.run.places import check_folder
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
    writer_of = _writers()
    check_folder(folder, "tensorboard")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RequestError(f"{folder} holds files already; give a new folder")
    for name, history in histories.items():
        with writer_of(str(folder / name)) as writer:
            _log_history(writer, history)
    if not comparison:
        return tuple(histories)
    with writer_of(str(folder / "comparison")) as writer:
        writer.add_text("comparison", comparison)
    return (*histories, "comparison")


class LiveLogs:
    """Writes what a build tells while it trains, round by round, as `log_tensorboard` names it.

    Called with the build's events; a context, so that the logs are whole at its end. Going on
    with a build goes on with its logs.

    Parameters
    ----------
    folder
        Where the logs go.

    Raises
    ------
    RequestError
        If TensorBoard is not installed, or logs cannot be written there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._writer_of = folder, _writers()
        check_folder(folder, "tensorboard")
        self._writers: dict[int, SummaryWriter] = {}

    def __enter__(self) -> LiveLogs:
        return self

    def __exit__(self, *error: object) -> None:
        for writer in self._writers.values():
            writer.close()

    def __call__(self, event: Event) -> None:
        """Log a round that is done; other events have no curve."""
        if not isinstance(event, RoundDone):
            return
        for run, remaining, accuracy in zip(
            event.runs, event.remaining, event.val_accuracy, strict=True
        ):
            if run not in self._writers:
                self._writers[run] = self._writer_of(str(self._folder / log_name(run)))
            writer = self._writers[run]
            writer.add_scalar("round/val_accuracy", accuracy, event.round)
            writer.add_scalar("round/units_remaining", remaining, event.round)
            writer.flush()


def log_name(run: int) -> str:
    """Return what TensorBoard calls a DropNet run.

    >>> log_name(7)
    'run-07'
    """
    return f"run-{run:02d}"


def _writers() -> type[SummaryWriter]:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise RequestError(
            "logs for TensorBoard need tensorboard; "
            "install with pip install 'dropnet-ensemble[tensorboard]'"
        ) from error
    return SummaryWriter


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
