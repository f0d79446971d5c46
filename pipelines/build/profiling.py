"""A short training under PyTorch's profiler: what a build's first group does, step by step.

It is a training of its own, before the build's: what is built does not depend on it, and its
trace stays small however long the build is.
"""

from __future__ import annotations

import dataclasses
import math
import tempfile
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, schedule, supported_activities

from pipelines.build.device import on, threads
from pipelines.run.plan import Group
from pipelines.run.resolved import ResolvedConfig
from pruning.core.errors import RequestError
from pruning.core.seeds import torch_generator
from pruning.data.splits import Splits
from pruning.dropnet.population import Population
from pruning.training import DeviceData, Training, train
from pruning.training.training_loop import resolved_recipe

EPOCHS = 4
"""The first two warm up: networks are compiled, steps captured, caches filled."""
TRACED = 2
"""Of these epochs the last."""
STEPS = 32
"""At most so many steps of single networks an epoch, or one of each: a step leaves thousands of
lines of trace."""


def check_place(path: Path) -> None:
    """Raise `RequestError` if no trace can be written there; nothing is left behind."""
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
    # Dropout draws from torch's own generators: they are set back afterwards.
    cards = [torch.device(device)] if torch.device(device).type == "cuda" else []
    kept = torch.random.fork_rng(devices=cards)
    with on(device), threads(group.threads), kept:
        steps = _train_traced(path, group, resolved, splits, device)
        # Another process may train on this card.
        torch.cuda.empty_cache()
    many = len(group.runs.numbers)
    return (
        f"profile: {TRACED} epochs of {steps} steps of {many} run{'s' * (many > 1)} by "
        f"{group.engine} on {device} in {path}; open it at https://ui.perfetto.dev or "
        "chrome://tracing"
    )


def _train_traced(
    path: Path, group: Group, resolved: ResolvedConfig, splits: Splits, device: str
) -> int:
    """Train the group for a few epochs; return the steps of each."""
    settings, runs = resolved.config.of_each_run, group.runs
    population = Population(runs, len(resolved.classes), resolved.input_shape, settings.init)
    networks = [network.to(device) for network in population.theta0().values()]
    whole = Training(DeviceData.of(splits, device), settings.recipe, group.engine)
    recipe = resolved_recipe(whole, networks[0])
    batch = recipe.batch_size or 1
    data = _first(whole.data, max(1, STEPS // len(networks)) * batch)
    longer = dataclasses.replace(
        recipe,
        max_epochs=max(EPOCHS, recipe.max_epochs or 0),
        patience=recipe.patience and EPOCHS,
    )
    generators = [torch_generator(seed, "batches") for seed in runs.seeds]
    training = Training(data, longer, group.engine, on_halved=_told_by_the_build)
    _traced(path, networks, generators, training)
    return math.ceil(len(data.train_labels) / batch)


def _traced(
    path: Path,
    networks: list[torch.nn.Module],
    generators: list[torch.Generator],
    training: Training,
) -> None:
    """Train, and write what the profiler saw: whole, or not at all."""
    activities = {ProfilerActivity.CPU}
    if training.data.train_images.device.type == "cuda":
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
            train(
                networks, generators, training,
                epochs=EPOCHS, on_epoch=lambda *_: profiler.step(),
            )  # fmt: skip
        written.replace(path)


def _told_by_the_build(networks: int, half: int) -> None:
    """Say nothing: what is too many here is too many in the build, which says so."""


def _first(data: DeviceData, samples: int) -> DeviceData:
    """Return the first training and validation samples."""
    return dataclasses.replace(
        data,
        train_images=data.train_images[:samples],
        train_labels=data.train_labels[:samples],
        val_images=data.val_images[:samples],
        val_labels=data.val_labels[:samples],
    )
