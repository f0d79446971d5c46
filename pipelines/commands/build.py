"""``ensemble build``: train, prune and choose, with progress on the terminal."""

from __future__ import annotations

import time
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from pipelines.build.built import Built
from pipelines.build.controls import asked_controls
from pipelines.build.logged import time_text
from pipelines.build.progress import Tally
from pipelines.build.remarks import listed, of_training
from pipelines.build.story import build
from pipelines.build.watching import LiveWatcher, PlainWatcher, Watcher, clock_text
from pipelines.commands.choice_text import chosen_lines
from pipelines.commands.dry_run import run_dry
from pipelines.commands.outcome import quoted
from pipelines.commands.setting_options import in_flags
from pipelines.report.tensorboard import LiveLogs
from pipelines.run.config import BuildConfig
from pipelines.run.config_file import ReadConfig, read_config
from pipelines.run.resources import Placement
from pruning.core.settings_tree import changed, made, settings_of
from pruning.inference.latency import measure_latencies


def run_build(
    *,
    out: str | None,
    control: bool,
    small_team: bool,
    unpruned_from: str | None = None,
    config: str | None = None,
    dry_run: bool = False,
    tensorboard: str | None = None,
    **options: Any,
) -> None:
    """Build, showing progress on standard error and the result on standard output.

    `options` are those of `BuildConfig` and `Placement`, by their flat names; those of
    `BuildConfig` change what the file `config` asks for, where there is one.
    """
    where = {setting.name: options.pop(setting.name) for setting in settings_of(Placement)}
    console = Console(stderr=True)

    def tell(line: str) -> None:
        console.print(
            in_flags(line, click.get_current_context().command),
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip

    read = read_config(Path(config)) if config else ReadConfig(BuildConfig())
    asked, placement = changed(read.config, options), made(Placement, where)
    for line in read.remarks:
        tell(line)
    started = time.monotonic()
    if console.is_terminal:
        console.print(f"reading {asked.data.data}", highlight=False)
    folder = Path(out) if out else asked.default_out
    source = Path(unpruned_from) if unpruned_from else None
    if dry_run:
        controls = asked_controls(control=control, small_team=small_team)
        run_dry(asked, folder, placement, controls=controls, unpruned_from=source, tell=tell)
        return
    with LiveLogs(Path(tensorboard)) if tensorboard else nullcontext() as logs:
        built = build(
            asked, out=folder, placement=placement, on_event=logs,
            watch=lambda tally: watcher_for(tally, console), control=control,
            small_team=small_team, unpruned_from=source, tell=tell,
        )  # fmt: skip
    for line in summary(built, time.monotonic() - started):
        print(line)
    print(f"{folder}: the ensemble is in {folder / 'ensemble'}")
    print(f"next: ensemble compare {quoted(folder)}")


def watcher_for(tally: Tally, console: Console) -> Watcher:
    """Return the live picture for a terminal, plain lines for anything else."""
    live = console.is_terminal and not console.is_dumb_terminal
    return LiveWatcher(tally, console) if live else PlainWatcher(tally, console)


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
    if config.dropnet.coupling == "independent":
        masked = sum(1 - entry.remaining for entry in handed_on) / len(handed_on)
        gone = sum(1 - entry.remaining if entry.removed is None else entry.removed
                   for entry in handed_on) / len(handed_on)  # fmt: skip
        lines.append(f"mask sparsity {masked:.1%}, removable sparsity {gone:.1%}")
    if missed := missed_target(built):
        lines.append(missed)
    if config.dropnet.target.latency is not None:
        lines.append(latency_line(built))
    if built.cut:
        lines.append(
            f"stopped by the time limit before its end: run {listed([*built.cut])}; the same "
            "command without --time-limit goes on"
        )
    lines += of_training(built)
    anew = [h.run for h in histories if any(entry.attempts > 1 for entry in h.rounds)]
    if anew:
        lines.append(f"trained anew where pruning had left them at chance: run {listed(anew)}")
    if not built.earlier:
        lines.append(f"the time went to {time_text(built.seconds)}")
    return lines


def latency_line(built: Built) -> str:
    """Return how long the team takes, measured now, against what was asked."""
    asked, shape = built.config.dropnet.target.latency or 0.0, built.store.resolved.input_shape
    unpruned = {history.arch: history.rounds[0] for history in built.histories}
    networks = [entry.load().network for entry in (*built.team, *unpruned.values())]
    seconds = measure_latencies(networks, shape).tolist()
    team = sum(seconds[: len(built.team)])
    of_arch = dict(zip(unpruned, seconds[len(built.team) :], strict=True))
    everyone = sum(of_arch[history.arch] for history in built.histories)
    most = f"{asked:g} of all" if asked <= 1 else f"{asked:g} ms"
    if built.config.target_s is not None:
        most += f" for a team of {built.config.target_s}"
    return (
        f"the team takes {1e3 * team:.3g} ms per sample here, measured now, {team / everyone:.3g} "
        f"of all {len(built.histories)} unpruned networks' {1e3 * everyone:.3g}; asked for was at "
        f"most {most}"
    )


def missed_target(built: Built) -> str:
    """Return how many networks cost more than the target leaves them, and why; empty if none."""
    resolved, asked = built.store.resolved, built.config.of_each_run
    missed_by = [
        target
        for history, entry in zip(built.histories, built.handed_on, strict=True)
        for target, whole in [(resolved.settings_of(history.run).target, history.rounds[0].cost)]
        if not target.met_by((entry.cost.flops, entry.cost.bytes), (whole.flops, whole.bytes))
    ]
    if not missed_by:
        return ""
    ends = {
        f"--rounds {asked.rounds}": asked.rounds is not None,
        f"--kappa {asked.least_held:g}": asked.least_held > 0,
        f"--keep {asked.least_kept:g}": asked.least_kept > 0,
        "the time limit": bool(built.cut),
    }
    why = " or ".join(name for name, given in ends.items() if given) or "want of units to drop"
    return (
        f"the target is missed by {len(missed_by)} of {len(built.histories)} networks, which cost "
        f"more than {missed_by[0]} each: ended by {why}"
    )
