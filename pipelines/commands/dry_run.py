"""``ensemble build --dry-run``: what a build will read, train and take, with nothing written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.table import Table

from pipelines.build.clusters.cluster import check_installed
from pipelines.build.estimate import Estimate, Pace, estimate
from pipelines.build.preparing import Prepared, prepare
from pipelines.build.progress import Tell
from pipelines.commands.console import OutputConsole
from pipelines.report.number_format import amount, whole
from pipelines.run.config import BuildConfig
from pipelines.run.opening import begun, run_there
from pipelines.run.resolved import ResolvedConfig
from pipelines.run.resources import Placement
from pipelines.run.store import Memory, Store, is_done
from pruning.core.errors import RequestError
from pruning.core.stages import Stages
from pruning.networks.architecture import architecture_name


def run_dry(
    config: BuildConfig,
    folder: Path,
    placement: Placement,
    *,
    controls: Sequence[str],
    unpruned_from: Path | None,
    tell: Tell,
) -> None:
    """Settle all that a build settles before training, and print what it comes to.

    Raises
    ------
    RequestError
        For all that a build refuses before training, and for a profile, which is a file.
    """
    check_installed(placement)
    if placement.profile:
        raise RequestError("`profile` writes a trace, and `dry_run` writes nothing; give one")

    def opened(resolved: ResolvedConfig) -> Store:
        return run_there(folder, resolved) or Memory(resolved)

    ready = prepare(
        config, None, opened,
        begins=not begun(folder), controls=controls, unpruned_from=unpruned_from, tell=tell,
        stages=Stages(),
    )  # fmt: skip
    found = estimate(ready, placement)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column()
    for label, lines in (
        ("data", [_data(ready)]),
        ("networks", _networks(found)),
        ("training", _training(ready, found)),
        ("memory", _memory(ready, found)),
        ("disk", [f"at most about {amount(found.disk_bytes, 'B')} for the networks of all rounds"]),
        ("time", [_time(ready, found)]),
        ("folder", [_folder(folder, ready, controls)]),
    ):
        for place, line in enumerate(lines):
            table.add_row("" if place else label, line)
    OutputConsole(highlight=False, markup=False).print(table)


def _data(ready: Prepared) -> str:
    splits = ready.splits
    parts = (splits.train, splits.val, splits.select, splits.test)
    held = sum(part.images.nbytes + part.labels.nbytes for part in parts)
    sizes = ", ".join(f"{name} {whole(size)}" for name, size in splits.sizes.items())
    return (
        f"{ready.store.resolved.config.data.data}: samples of "
        f"{'×'.join(map(str, splits.input_shape))}, {whole(len(splits.classes))} classes; {sizes}; "
        f"{amount(held, 'B')}"
    )


def _networks(found: Estimate) -> list[str]:
    return [
        f"{found.counts[name]} of {name}: each {amount(cost.flops)} FLOPs a sample, "
        f"{amount(cost.params)} parameters, {amount(cost.bytes, 'B')}"
        for name, cost in found.costs.items()
    ]


def _training(ready: Prepared, found: Estimate) -> list[str]:
    return [
        f"{_name(pace)}: {'up to ' * pace.stops_early}{_many(pace.epochs, 'epoch')} of "
        f"{_many(pace.epoch_steps, 'step')}, then {_pruning(ready, found, pace)}"
        for pace in found.paces
    ]


def _pruning(ready: Prepared, found: Estimate, pace: Pace) -> str:
    config = ready.store.resolved.config
    if config.pruner == "datafree":
        return "neurons are merged without training"
    if not found.rounds:
        return "nothing is pruned"
    most = "about" if config.dropnet.target.given else "at most"
    return (
        f"{most} {_many(found.rounds, 'round')} of pruning, each of "
        f"{'up to ' * pace.stops_early}{_many(pace.later_epochs, 'epoch')} after "
        f"{config.dropnet.fraction:.0%} of the units are dropped"
    )


def _memory(ready: Prepared, found: Estimate) -> list[str]:
    where = (
        "tensors on the card" if ready.devices.kind == "cuda" else "this process, torch included,"
    )
    lines = [
        f"{_name(pace)}: weights, gradients and optimizer of a group of "
        f"{len(pace.group.runs.numbers)} are {amount(pace.training_bytes, 'B')}, counted; with "
        f"data and {pace.group.engine} {where} took {amount(pace.peak_bytes, 'B')} at most, "
        "measured"
        for pace in found.paces
    ]
    if found.at_a_time > 1:
        lines.append(f"{found.at_a_time} groups train side by side, each in a process of its own")
    return lines


def _time(ready: Prepared, found: Estimate) -> str:
    if is_done(ready.store, ready.store.histories()):
        return "nothing is left to train"
    steps = ", ".join(
        f"{_many(pace.steps, 'step')} of {_name(pace)} at {duration(pace.step_seconds)}"
        for pace in found.paces
    )
    return (
        f"about {duration(found.seconds)}, an estimate for the training alone, from measured "
        f"steps of round 0 ({steps} for a group), later rounds the faster the fewer units are "
        "left; not counted are early stops, runs that end sooner, scoring and the choice, and "
        "that groups side by side slow each other"
    )


def _folder(folder: Path, ready: Prepared, controls: Sequence[str]) -> str:
    named = " and the ".join(name.replace("_", " ") for name in controls)
    comes = "comes" if len(controls) == 1 else "come"
    later = f"; the {named} {comes} on top of all this" if controls else ""
    histories = ready.store.histories()
    if not histories:
        taken = len(ready.unpruned)
        first = f", with {whole(taken)} unpruned networks taken, not trained" if taken else ""
        return f"{folder} would be made{first}; a dry run writes nothing{later}"
    rounds = sum(len(history.rounds) for history in histories)
    return f"{folder} has {whole(rounds)} trained networks, and would go on from there{later}"


def _name(pace: Pace) -> str:
    return architecture_name(pace.group.runs.arch)


def _many(count: int, thing: str) -> str:
    return f"{whole(count)} {thing}{'s' * (count != 1)}"


def duration(seconds: float) -> str:
    """Return a time to two digits, with its unit.

    >>> [duration(time) for time in (0.0123, 2.345, 61.4, 1300.0, 9000.0)]
    ['12 ms', '2.3 s', '61 s', '22 min', '2.5 h']
    """
    for unit, size, most in (("ms", 0.001, 1.0), ("s", 1.0, 100.0), ("min", 60.0, 6000.0)):
        if seconds < most:
            return f"{float(f'{seconds / size:.2g}'):g} {unit}"
    return f"{float(f'{seconds / 3600:.2g}'):g} h"
