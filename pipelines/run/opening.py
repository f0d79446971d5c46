"""Starting a run in a directory, or going on with the one that is there."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ensemble.storage.sealed import is_draft, write_json_atomic
from pipelines.run.config import BuildConfig, differences
from pipelines.run.device_names import asked_device
from pipelines.run.directory import RunDirectory
from pipelines.run.one_writer import LOCK, one_writer
from pipelines.run.resolved import ResolvedConfig
from pruning.core.errors import RequestError
from pruning.networks.architecture import architecture_name
from pruning.training.recipe import RECIPES


def open_run(path: Path, resolved: ResolvedConfig) -> RunDirectory:
    """Start the run in the folder `path`, or go on with the one that is there if it is the same.

    Nobody else may be writing there: see `writing_run`.

    What was resolved when the run began (groups, device) is kept; a run of one kind of device
    goes on on any of that kind.

    Raises
    ------
    RequestError
        If the folder holds another configuration's run, other data, or other files, or an
        architecture is not given by its name.
    """
    run = run_there(path, resolved) or RunDirectory(path)
    if not run.config_file.exists():
        write_json_atomic(run.config_file, resolved.to_json())
    run.begin_writing()
    return run


@contextmanager
def writing_run(path: Path, resolved: ResolvedConfig) -> Iterator[RunDirectory]:
    """Yield the run at `path` as `open_run` does, held so that nobody else writes to it.

    Raises
    ------
    HeldRunError
        If another process is writing to it.
    RequestError
        As `open_run`, or where the folder cannot be made.
    """
    run_there(path, resolved)  # what is refused is left as it is
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RequestError(
            f"`out` {path} cannot be made: {error.strerror}; give another folder"
        ) from error
    with one_writer(path):
        yield open_run(path, resolved)


def run_there(path: Path, resolved: ResolvedConfig) -> RunDirectory | None:
    """Return the run at `path` that a build goes on with; None where it may start one.

    Nothing is written.

    Raises
    ------
    RequestError
        As `open_run`.
    """
    _check_named(resolved)
    run = RunDirectory(path)
    if run.config_file.exists():
        _check_same(run, resolved)
        return run
    if path.exists() and (not path.is_dir() or not all(map(_left_over, path.iterdir()))):
        raise RequestError(f"{path} exists and is not a run; give a new or empty folder")
    return None


def begun(path: Path) -> bool:
    """Whether a run has been started at `path`."""
    return RunDirectory(path).config_file.exists()


def _left_over(path: Path) -> bool:
    """Whether this is all that a build leaves that is killed before it has begun a run."""
    return path.name == LOCK or (is_draft(path) and path.name.startswith(".config.json."))


def _check_same(run: RunDirectory, resolved: ResolvedConfig) -> None:
    there = run.resolved
    found = _differences(resolved.config, there)
    if resolved.fingerprint != there.fingerprint and not found:
        found = ["the data is not what it was when the run began"]
    if found:
        raise RequestError(
            f"{run.path} holds another configuration's run ({'; '.join(found)}); "
            f"{_ways_on(run.path, resolved.config, there.config)}give another folder"
        )


def _ways_on(path: Path, asked: BuildConfig, there: BuildConfig) -> str:
    """Say how a run is gone on with, where it is not another folder alone."""
    chosen = dataclasses.replace(there.choosing(asked.selection), device=asked.device)
    if chosen == asked:
        source = shlex.quote(str(path))
        again = f"ensemble select {source} --out NEW"
        return f"`{again}` chooses from it again, without training; else "
    return _older(asked, there)


def _differences(asked: BuildConfig, there: ResolvedConfig) -> list[str]:
    """Return what differs; of the device, whether it is of another kind than the run's."""
    kind = asked_device(asked.device).kind
    found = differences(dataclasses.replace(asked, device=there.config.device), there.config)
    if kind not in ("auto", there.device):
        found.append(f"`device`: {kind} asked, {there.device} there")
    return found


def _older(asked: BuildConfig, there: BuildConfig) -> str:
    """Say how a run goes on that was begun with the first version's recipe."""
    recipe, rewinding = asked.dropnet.recipe, asked.dropnet.rewinding
    today = dataclasses.replace(
        there,
        dropnet=dataclasses.replace(there.dropnet, recipe=recipe, rewinding=rewinding),
        device=asked.device,
    )
    if today != asked or there.dropnet.recipe != RECIPES["first"]:
        return ""
    return (
        f"to go on with it, which is of the first version, ask for `recipe` first and `rewind` "
        f"{there.dropnet.rewinding.to}; else "
    )


def _check_named(resolved: ResolvedConfig) -> None:
    """Refuse what could not be built again from its name."""
    for arch in resolved.config.archs:
        if not isinstance(arch, str):
            raise RequestError(
                f"a run directory holds architectures by name, and {architecture_name(arch)!r} is "
                "given itself; leave `out` away to build in memory, or name it module:factory"
            )
