"""A short training under PyTorch's profiler: what a build's first group does, step by step.

It is a training of its own, before the build's: what is built does not depend on it, and its
trace stays small however long the build is.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from torch.profiler import ProfilerActivity, profile, schedule, supported_activities

from pipelines.build.short_training import ShortTraining, short_training
from pipelines.run.own_files import check_not_own
from pipelines.run.plan import Group
from pipelines.run.resolved import ResolvedConfig
from pruning.core.errors import RequestError
from pruning.data.splits import Splits

EPOCHS = 4
"""The first two warm up: networks are compiled, steps captured, caches filled."""
TRACED = 2
"""Of these epochs the last."""
STEPS = 32
"""At most so many steps of single networks an epoch, or one of each: a step leaves thousands of
lines of trace."""


def check_place(path: Path) -> None:
    """Raise `RequestError` if no trace can be written there; nothing is left behind."""
    check_not_own(path, "profile")
    try:
        if path.is_dir() or (path.exists() and not path.is_file()):
            raise RequestError(f"`profile` {path} is there and is not a file; give another name")
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise RequestError(
            f"`profile` {path} cannot be written: {error.strerror}; give a file in a folder that "
            "is there and can be written to"
        ) from error


def profile_group(
    path: Path, group: Group, resolved: ResolvedConfig, splits: Splits, device: str
) -> str:
    """Write the trace of a short training of a group; return in a line what is in it.

    The group's unpruned networks train with its engine and recipe for `EPOCHS` epochs of few
    steps, and validate on as many samples; the last `TRACED` epochs are traced.

    Parameters
    ----------
    path
        Where the trace goes, as Chrome's JSON; compressed where it ends in ``.gz``.
    group
        The runs.
    resolved
        What the build was asked.
    splits
        ``train`` trains, ``val`` validates.
    device
        Where it trains, by torch's name.
    """
    with short_training(group, resolved, splits, device) as short:
        steps = _traced(path, short)
    many = len(group.runs.numbers)
    return (
        f"profile: {TRACED} epochs of {steps} steps of {many} run{'s' * (many > 1)} by "
        f"{group.engine} on {device} in {path}; open it at https://ui.perfetto.dev or "
        "chrome://tracing"
    )


def _traced(path: Path, short: ShortTraining) -> int:
    """Train, and write what the profiler saw: whole, or not at all; return an epoch's steps."""
    activities = {ProfilerActivity.CPU}
    if short.training.data.train_images.device.type == "cuda":
        there = supported_activities()  # type: ignore[no-untyped-call]
        activities |= there & {ProfilerActivity.CUDA}
    plan = schedule(wait=EPOCHS - TRACED - 1, warmup=1, active=TRACED, repeat=1)
    with tempfile.TemporaryDirectory(prefix=".profile-", dir=path.parent) as folder:
        ending = ".gz" if path.suffix == ".gz" else ""
        written = Path(folder) / f"trace.json{ending}"
        with profile(
            activities=activities,
            schedule=plan,
            on_trace_ready=lambda seen: seen.export_chrome_trace(str(written)),
        ) as profiler:
            most = max(1, STEPS // len(short.networks))
            steps = short.run(most, EPOCHS, profiler.step)
        written.replace(path)
    return steps
