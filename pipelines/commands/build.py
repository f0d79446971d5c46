"""``ensemble build``."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

from joblib import cpu_count
from joblib.parallel import BACKENDS
from rich.console import Console

from pipelines.build.built import Built
from pipelines.build.placement import Placement
from pipelines.build.progress import Tally
from pipelines.build.story import build
from pipelines.build.watching import LiveWatcher, PlainWatcher, Watcher, clock_text
from pipelines.commands.choice_text import chosen_lines
from pipelines.run.config import BuildConfig, DataConfig, SelectionConfig
from pruning.core.errors import RequestError, unknown_name
from pruning.datafree.settings import Merging
from pruning.dropnet.settings import DropNet, Rewinding
from pruning.training.recipe import find_recipe


def run_build(
    *, out: str | None, jobs: int | None, backend: str, control: bool, **options: Any
) -> None:
    """Build, showing progress on standard error and the result on standard output."""
    config = build_config(**options)
    placement = Placement(_check_jobs(jobs, _check_backend(backend)), backend)
    console = Console(stderr=True)
    started = time.monotonic()
    if console.is_terminal:
        console.print(f"reading {config.data.data}", highlight=False)
    folder = Path(out) if out else config.default_out
    built = build(
        config, out=folder, placement=placement,
        watch=lambda tally: watcher_for(tally, console), control=control,
        tell=lambda line: console.print(line, highlight=False, soft_wrap=True),
    )  # fmt: skip
    for line in summary(built, time.monotonic() - started):
        print(line)
    print(f"{folder}: the ensemble is in {folder / 'ensemble'}")
    print(f"next: ensemble compare {folder}")


def watcher_for(tally: Tally, console: Console) -> Watcher:
    """Return the live picture for a terminal, plain lines for anything else."""
    live = console.is_terminal and not console.is_dumb_terminal
    return LiveWatcher(tally, console) if live else PlainWatcher(tally, console)


def build_config(
    *,
    m: int,
    size: int,
    data: str,
    data_dir: str | None,
    image_size: int | None,
    limit: int | None,
    archs: tuple[str, ...],
    pruner: Any,
    remove: tuple[str, ...],
    saliency: Any,
    metric: str,
    fraction: float,
    kappa: float | None,
    keep: float | None,
    rounds: int | None,
    rewind: Any,
    late_epochs: int | None,
    rescale: bool | None,
    round_to: int | None,
    score_mode: Any,
    coupling: Any,
    init: str | None,
    recipe: str,
    epochs: int | None,
    batch_size: int | None,
    learning_rate: float | None,
    augment: Any,
    method: str | None,
    pool: Any,
    voting: str,
    max_flops: float | None,
    max_bytes: float | None,
    max_latency: float | None,
    prune_fraction: float | None,
    measures: tuple[str, ...],
    thrifty: bool | None,
    seed: int,
    device: Any,
    engine: str,
) -> BuildConfig:
    """Return the configuration that the command line asks for."""
    training = _changed(
        find_recipe(recipe),
        max_epochs=epochs,
        batch_size=batch_size,
        learning_rate=learning_rate,
        augment=augment,
    )
    dropnet = DropNet(
        metric=metric,
        fraction=fraction,
        rounds=rounds,
        rewinding=_changed(Rewinding(), to=rewind, late_epochs=late_epochs, rescale=rescale),
        recipe=training,
    )
    selection = SelectionConfig(
        size=size, pool=pool, voting=voting, max_flops=max_flops, max_bytes=max_bytes,
        max_latency=max_latency, prune_fraction=prune_fraction, measures=measures,
        method=method or SelectionConfig.method, thrifty=bool(thrifty),
    )  # fmt: skip
    return BuildConfig(
        m=m,
        archs=archs,
        seed=seed,
        device=device,
        engine=engine,
        pruner=pruner,
        data=DataConfig(data, data_dir, image_size, limit),
        dropnet=_changed(
            dropnet,
            kappa=kappa,
            keep=keep,
            round_to=round_to,
            score_mode=score_mode,
            coupling=coupling,
            init=init,
        ),
        merging=_changed(Merging.of(remove), saliency=saliency),
        selection=selection,
    )


def summary(built: Built, seconds: float) -> list[str]:
    """Return what a build came to, in a few lines."""
    config, histories, handed_on = built.config, built.histories, built.handed_on
    full = sum(history.rounds[0].cost.flops for history in histories)
    units = sum(entry.remaining for entry in handed_on) / len(handed_on)
    flops = sum(entry.cost.flops for entry in handed_on) / full
    selection = built.selection
    lines = [
        f"{len(histories)} networks trained and pruned to {units:.0%} of their units and "
        f"{flops:.0%} of their FLOPs, "
        + ("earlier: nothing was left to train" if built.earlier else f"in {clock_text(seconds)}"),
        *chosen_lines(selection, config.selection, "the selection split"),
    ]
    if config.dropnet.coupling == "paper":
        masked = sum(1 - entry.remaining for entry in handed_on) / len(handed_on)
        gone = sum(1 - entry.remaining if entry.removed is None else entry.removed
                   for entry in handed_on) / len(handed_on)  # fmt: skip
        lines.append(f"mask sparsity {masked:.1%}, removable sparsity {gone:.1%}")
    collapsed = [h.run for h, e in zip(histories, handed_on, strict=True) if e.collapsed]
    if collapsed:
        lines.append(f"never left chance: run {_listed(collapsed)}")
    anew = [h.run for h in histories if any(entry.attempts > 1 for entry in h.rounds)]
    if anew:
        lines.append(f"trained anew where pruning had left them at chance: run {_listed(anew)}")
    return lines


def _listed(runs: list[int]) -> str:
    return ", ".join(map(str, runs))


def _changed(value: Any, **changes: Any) -> Any:
    return dataclasses.replace(value, **{k: v for k, v in changes.items() if v is not None})


def _check_jobs(jobs: int | None, backend: str) -> int:
    """Return the jobs asked for; only a backend of other machines has more than our cores."""
    cores = int(cpu_count())
    if jobs is None:
        return cores
    if jobs < 1 or (jobs > cores and backend in ("loky", "threading", "sequential")):
        raise RequestError(
            f"--jobs {jobs} must be between 1 and {cores}, this machine's cores: more would "
            "only wait for each other; leave it out to use them all"
        )
    return jobs


def _check_backend(backend: str) -> str:
    known = [name for name in BACKENDS if name != "multiprocessing"]
    if backend not in known:
        raise unknown_name("joblib backend", backend, known)
    return backend
