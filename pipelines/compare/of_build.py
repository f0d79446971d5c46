"""The comparison of a build: what it knows of itself → every contender's numbers."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pipelines.build.built import Built
from pipelines.build.data import HANDED_OVER
from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import Contender
from pipelines.compare.forms import other_forms
from pipelines.compare.from_evidence import comparison_of
from pipelines.compare.gather import gather
from pipelines.compare.measurements import Measurements
from pipelines.compare.measuring import measure as measure_contenders
from pipelines.compare.measuring import stored_measurements
from pipelines.run.command_line import command_of
from pipelines.run.control_files import CONTROL, CONTROLS, option_of
from pipelines.run.file_names import RunFiles


def compare(built: Built, *, seed: int = 0, measure: bool = False, threads: int = 1) -> Comparison:
    """Compare the chosen team with the unpruned networks and with every other team of the design.

    The first call for a build reads its test set, and keeps the predictions where the build
    keeps its own.

    Parameters
    ----------
    built
        What `build` returned, in memory or on disk; of a run that is on disk already,
        `pipelines.build.built.read_built`.
    seed
        Seeds the random teams and the bootstrap: the same seed, the same numbers.
    measure
        Measure time and memory, one process per contender; otherwise what was measured before
        of this team is taken.
    threads
        CPU threads of every contender that is measured.

    Raises
    ------
    DamagedRunError
        If a file of the ensemble is not what was written.
    HeldRunError
        If another process is writing to the run.
    """
    with built.store.writing():
        return _compared(built, seed=seed, measure=measure, threads=threads)


def _compared(built: Built, *, seed: int, measure: bool, threads: int) -> Comparison:
    description = built.store.description()
    evidence = gather(built)
    others = other_forms(built, evidence, description)
    known = None if measure else stored_measurements(built.store, built.selection.team)

    def measured(rows: Sequence[Contender]) -> Mapping[str, Measurements]:
        nonlocal known
        known = measure_contenders(built, rows, threads) if measure else known
        return known.contenders if known else {}

    found = comparison_of(
        evidence, seed=seed, others=others, measured=measured,
        command=command_that_built(built),
    )  # fmt: skip
    found = replace(
        found,
        notes=(*found.notes, *_cut(built)),
        trains_control="" if found.control else command_for_control(built),
    )
    return replace(found, measured_on=known.sentence) if known else found


def _cut(built: Built) -> tuple[str, ...]:
    """Say which runs were stopped before their own end."""
    if not built.cut:
        return ()
    runs = ", ".join(map(str, built.cut))
    return (
        f"Stopped before pruning had come to its end, by a time limit: run {runs}. What was pruned "
        "until then hangs on the machine's speed; the same build without a limit goes on.",
    )


def command_for_control(built: Built) -> str:
    """Return the command that trains a run's control; empty where it would not do that alone."""
    path = built.store.path
    if path is None or built.cut or not command_that_built(built):
        return ""
    words = ("--config", RunFiles(path).config_file, "--out", path, option_of(CONTROL))
    return shlex.join(["ensemble", "build", *map(str, words)])


def command_that_built(built: Built) -> str:
    """Return the command that makes this build again; empty where none can."""
    named = all(isinstance(arch, str) for arch in built.config.archs)
    if not named or built.config.data.data == HANDED_OVER:
        return ""
    command = command_of(built.config)
    return " ".join([command, *(option_of(name) for name in CONTROLS if built.store.control(name))])
