"""The story: data → M pruned networks → the S that vote best → one artefact."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from pipelines.build.choice import choose_team
from pipelines.build.control import Tell, check_control, train_control
from pipelines.build.device import resolve_device
from pipelines.build.handover import make_ensemble
from pipelines.build.placement import train_groups
from pipelines.build.progress import Tally, Watcher
from pipelines.run.config import BuildConfig
from pipelines.run.directory import Root, RunDirectory
from pipelines.run.fingerprint import data_fingerprint, versions
from pipelines.run.plan import check_archs, describe_groups, plan_groups
from pipelines.run.resources import Placement
from pruning.data.load import load_splits
from pruning.data.loaded import Loaded
from pruning.data.splits import Splits
from selection.team import Selection

MOST_TOLD = 10
"""Files that could not be read, one line each; the rest are counted."""

FEW_SAMPLES = 150
"""Below so many the 95 % interval of an accuracy can be wider than ±8 points."""

Watch = Callable[[Tally], Watcher]


@dataclass(frozen=True)
class Built:
    """A finished build.

    Attributes
    ----------
    run, selection
        Its directory and its choice.
    skipped
        Files that could not be read.
    earlier
        Whether an earlier command had trained and chosen already.
    """

    run: RunDirectory
    selection: Selection
    skipped: tuple[str, ...]
    earlier: bool


def build(
    config: BuildConfig,
    out: Path | None = None,
    *,
    placement: Placement = Placement(jobs=1),
    watch: Watch = Watcher,
    control: bool = False,
    tell: Tell = lambda _: None,
) -> Built:
    """Train, prune, choose and keep; a build that was stopped goes on.

    Parameters
    ----------
    config
        What is asked.
    out
        The run directory; by default ``results/<data>-<arch>-m20-s5-<hash>``.
    placement
        How many groups at a time, by which joblib backend.
    watch
        Makes the watcher that shows the training's progress.
    control
        Train, after the choice, one unpruned network as costly as the chosen team. It is no
        part of the run's identity: a finished run gets its control later, too.
    tell
        Told in a line each: what could not be read, which split is small, how the runs
        train, when the control begins.

    Raises
    ------
    RequestError
        If the data cannot be used, or `out` holds another configuration's run.
    """
    loaded = load_data(config)
    splits = loaded.splits
    skipped = tuple(f"{file.path}: {file.reason}" for file in loaded.skipped)
    for line in skipped[:MOST_TOLD]:
        tell(f"left out: {line}")
    if len(skipped) > MOST_TOLD:
        tell(f"left out: {len(skipped) - MOST_TOLD} more unreadable images")
    if control:
        check_control(config.archs, len(splits.classes), splits.input_shape)
    run = RunDirectory(out or config.default_out)
    run.open(resolve(config, splits))
    for line in (*_small_parts(splits), *describe_groups(run.root.groups, run.root.device)):
        tell(line)
    earlier = run.selection_file.is_file()
    train(run, splits, placement, watch)
    selection = choose_team(run, splits, config.selection)
    make_ensemble(run, selection)
    if control:
        train_control(run, splits, selection, tell)
    return Built(run, selection, skipped, earlier)


def _small_parts(splits: Splits) -> list[str]:
    """Return a line for each part that is too small to tell networks apart."""
    return [
        f"{name} has {samples} samples: an accuracy there is sure to ±{98 / samples**0.5:.0f} "
        "points (95 %); more images would say more"
        for name in ("select", "test")
        if (samples := splits.sizes[name]) < FEW_SAMPLES
    ]


def load_data(config: BuildConfig) -> Loaded:
    """Read the data a configuration names."""
    data = config.data
    return load_splits(
        data.data,
        data_dir=Path(data.data_dir) if data.data_dir else None,
        seed=config.seed,
        image_size=data.image_size,
        limit=data.limit,
    )


def resolve(config: BuildConfig, splits: Splits) -> Root:
    """Settle, before training, everything that the results depend on.

    Raises
    ------
    RequestError
        If one of the architectures cannot be pruned as asked; nothing is written yet.
    """
    config.selection.check_own()
    config.dropnet.recipe.check_samples(len(splits.train))
    check_archs(config, len(splits.classes), splits.input_shape)
    device = resolve_device(config.device)
    return Root(
        config=config,
        groups=plan_groups(config, len(splits.classes), splits.input_shape, device),
        device=device,
        classes=tuple(splits.classes.tolist()),
        input_shape=splits.input_shape,
        scaling={"offset": list(splits.scaling.offset), "scale": list(splits.scaling.scale)},
        split_sizes=splits.sizes,
        fingerprint=data_fingerprint(splits),
        versions=versions(),
    )


def train(run: RunDirectory, splits: Splits, placement: Placement, watch: Watch) -> None:
    """Train every group, watched, from where an earlier command stopped."""
    root = run.root
    settings = root.config.dropnet
    most = 1 if root.config.pruner == "datafree" else settings.rounds
    tally = Tally(root.config.m, settings.fraction, settings.keep, settings.kappa, most)
    for number in range(root.config.m):
        rounds = run.history(number).rounds
        if rounds:
            tally.restored(number, rounds[-1].round, rounds[0].val_accuracy)
    with watch(tally) as watcher:
        train_groups(
            run, root.groups, splits,
            jobs=placement.processes, backend=placement.backend, watcher=watcher,
        )  # fmt: skip
