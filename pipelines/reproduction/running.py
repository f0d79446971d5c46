"""Making the runs that are missing, curve by curve; a run that was stopped goes on."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

from pipelines.reproduction.accuracy import one_answer
from pipelines.reproduction.budget import Budget
from pipelines.reproduction.claim import Claim, Curve, Figure, Run
from pipelines.reproduction.curve_files import read_runs, write_runs
from pruning.data.load import load_splits
from pruning.data.splits import Split, Splits

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Work:
    """One curve whose runs are made, and where they go.

    Attributes
    ----------
    figure, curve
        As they are run: the budget's rounds and epochs, the data that are read.
    remaining
        Shares of the units after each of its rounds.
    path
        Of its file.
    header
        How its runs come about.
    """

    figure: Figure
    curve: Curve
    remaining: tuple[float, ...]
    path: Path
    header: dict[str, Any]


def reproduce(
    claim: Claim,
    folder: Path,
    budget: Budget,
    *,
    figures: Sequence[str] = (),
    data_dir: Path | None = None,
    images: Path | None = None,
    device: str = "cpu",
    jobs: int = 1,
    tell: Tell = print,
) -> None:
    """Make the runs of a claim that are missing in its folder.

    Parameters
    ----------
    claim, folder
        What is reproduced, and where its runs are and go.
    budget
        How many seeds, and how long.
    figures
        Names of some of its figures; none: all.
    data_dir
        Where published data sets are.
    images
        A folder of class folders in place of a published data set.
    device
        Where to train.
    jobs
        Curves made at once, each in a process of its own.
    tell
        Told in a line when a curve begins, ends, or has all its runs.
    """
    started = time.monotonic()
    for figure in claim.figures:
        if figures and figure.name not in figures:
            continue
        work = list(_missing(figure, folder, budget, images, tell))
        if not work:
            continue
        splits = figure_splits(figure, budget, data_dir, images)
        joblib.Parallel(n_jobs=min(jobs, len(work)))(
            joblib.delayed(_make)(one, splits, budget, started, device, tell) for one in work
        )


def _missing(
    figure: Figure, folder: Path, budget: Budget, images: Path | None, tell: Tell
) -> Iterator[Work]:
    for curve in figure.curves:
        remaining = budget.remaining_of(figure, curve)
        asked = curve.asked(remaining, quick=budget.quick)
        path = folder / figure.name / f"{curve.name}.jsonl"
        header = {
            "figure": figure.published,
            "curve": curve.name,
            "arch": figure.arch,
            "data": budget.data or (images.name if images else figure.data),
            **asked.described(),
        }
        there = len(read_runs(path, header))
        if there < budget.seeds_of(figure):
            yield Work(figure, asked, remaining, path, header)
        else:
            tell(f"{figure.name} {curve.name}: {there} runs are there")


def _make(
    work: Work, splits: Splits, budget: Budget, started: float, device: str, tell: Tell
) -> None:
    """Make the missing runs of one curve, a block of seeds at a time, while there is time."""
    torch.set_num_threads(1)
    runs = {run.seed: run for run in read_runs(work.path, work.header)}
    missing = [seed for seed in range(budget.seeds_of(work.figure)) if seed not in runs]
    name = f"{work.figure.name} {work.curve.name}"
    rounds = work.remaining
    for first in range(0, len(missing), budget.block):
        if budget.is_over(time.monotonic() - started):
            tell(f"{name}: {len(missing) - first} runs are left for another time")
            return
        seeds, began = missing[first : first + budget.block], time.monotonic()
        done: list[Run] = []
        for done in work.curve.runs(work.figure, seeds, splits, device, rounds):
            last = done[0]
            tell(
                f"{name}: {len(seeds)} runs, round {len(last.remaining) - 1} of "
                f"{len(rounds) - 1}, {time.monotonic() - began:.0f} s"
            )
        for run in done:
            run.fill(rounds, one_answer(splits))
        runs |= {run.seed: run for run in done}
        write_runs(work.path, work.header, list(runs.values()))


def figure_splits(
    figure: Figure, budget: Budget, data_dir: Path | None, images: Path | None
) -> Splits:
    """Return the data of a figure: nine tenths train, a tenth stops, as in the published code."""
    splits = load_splits(
        budget.data or (str(images) if images else figure.data), data_dir=data_dir
    ).splits
    train = Split(
        np.concatenate([splits.train.images, splits.select.images]),
        np.concatenate([splits.train.labels, splits.select.labels]),
    )
    splits = dataclasses.replace(splits, train=train, select=splits.val)
    return budget.enlarged(splits)
