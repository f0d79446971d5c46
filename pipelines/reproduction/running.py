"""Making the rows that are missing, curve by curve; what was stopped goes on."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch

from pipelines.reproduction.accuracy import one_answer
from pipelines.reproduction.budget import Budget
from pipelines.reproduction.claim import Claim, Curve, CurveWork, Figure, Run
from pipelines.reproduction.row_files import read_rows, write_rows
from pipelines.reproduction.study import Row, Study
from pruning.data.load import load_splits
from pruning.data.splits import Split, Splits

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Source:
    """Where data are, and where to train.

    Attributes
    ----------
    data_dir
        Where published data sets are.
    images
        A folder of class folders in place of a published data set.
    device
        Where to train.
    """

    data_dir: Path | None = None
    images: Path | None = None
    device: str = "cpu"

    def splits(self, data: str, budget: Budget) -> Splits:
        """Return a data set, or what stands in its place."""
        read = budget.data or (str(self.images) if self.images else data)
        return budget.enlarged(load_splits(read, data_dir=self.data_dir).splits)

    def name(self, data: str, budget: Budget) -> str:
        """Return what is read, by name."""
        return budget.data or (self.images.name if self.images else data)


@dataclass(frozen=True)
class Work:
    """One file of rows that are made.

    Attributes
    ----------
    name
        For who watches.
    path
        Of the file.
    header
        How its rows come about.
    make
        Makes the rows of some seeds, together.
    today
        Brings a header that is there into this version's words.
    together
        Whether that is faster than one by one; else each is kept as soon as it is made.
    """

    name: str
    path: Path
    header: dict[str, Any]
    make: Callable[[Sequence[int], Splits, str, Tell], list[Row]]
    today: Callable[[Mapping[str, Any]], Mapping[str, Any]] = dict
    together: bool = True


def reproduce(
    claim: Claim,
    folder: Path,
    budget: Budget,
    source: Source | None = None,
    *,
    parts: Sequence[str] = (),
    jobs: int = 1,
    tell: Tell = print,
    started: float | None = None,
) -> None:
    """Make the rows of a claim that are missing in its folder.

    Parameters
    ----------
    claim, folder
        What is reproduced, and where its rows are and go.
    budget
        How many seeds, and how long.
    source
        Where data are, and where to train.
    parts
        Names of some of its figures and studies; none: all.
    jobs
        Files made at once, each in a process of its own.
    tell
        Told in a line how far a file is.
    started
        Since when the time limit counts, by `time.monotonic`; None: now. Claims of one command
        share it.
    """
    started = time.monotonic() if started is None else started
    source = source or Source()
    every: tuple[Figure | Study, ...] = (*claim.figures, *claim.studies)
    for part in every:
        if parts and part.name not in parts:
            continue
        seeds, missing = budget.seeds_of(part), []
        for work in _work(part, folder, budget, source):
            there = len(read_rows(work.path, work.header, work.today))
            if there < seeds:
                missing.append(work)
            else:
                tell(f"{work.name}: {there} of {seeds} are there")
        if not missing:
            continue
        splits = source.splits(part.data, budget)
        if isinstance(part, Figure):
            splits = nine_tenths_train(splits)
        joblib.Parallel(n_jobs=min(jobs, len(missing)))(
            joblib.delayed(_make)(work, seeds, splits, budget, started, source.device, tell)
            for work in missing
        )


def _work(part: Figure | Study, folder: Path, budget: Budget, source: Source) -> Iterator[Work]:
    read = {"data": source.name(part.data, budget)}
    if isinstance(part, Study):
        study = part.asked(quick=budget.quick)
        header = {"study": part.name, **read, **study.described()}
        yield Work(
            part.name, folder / f"{part.name}.jsonl", header, _StudyRows(study), together=False
        )
        return
    for curve in part.curves:
        remaining = budget.remaining_of(part, curve)
        asked = curve.asked(remaining, quick=budget.quick)
        header = {
            "figure": part.published, "curve": curve.name, "arch": part.arch, **read,
            **asked.described(),
        }  # fmt: skip
        path = folder / part.name / f"{curve.name}.jsonl"
        made = _CurveRows(part, asked, remaining)
        yield Work(f"{part.name} {curve.name}", path, header, made, curve.today)


def _make(
    work: Work, seeds: int, splits: Splits, budget: Budget, started: float, device: str, tell: Tell
) -> None:
    """Make the missing rows of one file, a block of seeds at a time, while there is time."""
    torch.set_num_threads(1)
    rows = {row["seed"]: row for row in read_rows(work.path, work.header, work.today)}
    missing = [seed for seed in range(seeds) if seed not in rows]
    step = budget.block if work.together else 1
    for first in range(0, len(missing), step):
        if budget.is_over(time.monotonic() - started):
            tell(f"{work.name}: {len(missing) - first} are left for another time")
            return
        block = missing[first : first + step]
        made = work.make(block, splits, device, lambda said: tell(f"{work.name}: {said}"))
        rows |= {row["seed"]: row for row in made}
        write_rows(work.path, work.header, list(rows.values()))


@dataclass(frozen=True)
class _CurveRows:
    """Makes rows of a curve: its runs."""

    figure: Figure
    curve: Curve
    remaining: tuple[float, ...]

    def __call__(self, seeds: Sequence[int], splits: Splits, device: str, tell: Tell) -> list[Row]:
        began = time.monotonic()
        work = CurveWork(self.figure.arch, tuple(seeds), splits, device, self.remaining)
        runs: list[Run] = []
        for runs in self.curve.runs(work):
            tell(
                f"{len(seeds)} runs, round {len(runs[0].remaining) - 1} of "
                f"{len(self.remaining) - 1}, {time.monotonic() - began:.0f} s"
            )
        for run in runs:
            run.fill(self.remaining, one_answer(splits))
        return [dataclasses.asdict(run) for run in runs]


@dataclass(frozen=True)
class _StudyRows:
    """Makes rows of a study: its pools."""

    study: Study

    def __call__(self, seeds: Sequence[int], splits: Splits, device: str, tell: Tell) -> list[Row]:
        began = time.monotonic()
        rows = list(self.study.rows(seeds, splits, device))
        tell(f"pool {', '.join(map(str, seeds))}, {time.monotonic() - began:.0f} s")
        return rows


def nine_tenths_train(splits: Splits) -> Splits:
    """Return the data as in the published code: nine tenths train, a tenth stops."""
    train = Split(
        np.concatenate([splits.train.images, splits.select.images]),
        np.concatenate([splits.train.labels, splits.select.labels]),
    )
    return dataclasses.replace(splits, train=train, select=splits.val)
