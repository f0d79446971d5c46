"""Time and memory of a comparison's contenders, kept apart from all that is the same again.

Each contender runs in a process of its own; they take turns, so that a slow moment of the
machine falls on all of them, and each figure is the best of its turns: whatever else the
machine does only adds.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from ensemble.artefact import save
from ensemble.model import EnsembleMember
from ensemble.storage.sealed import seal, write_json_atomic
from pipelines.compare.contenders import (
    CASCADE,
    INT8,
    ONNX,
    SELECTED,
    Contender,
    Measurements,
)
from pipelines.compare.evidence import Evidence
from pipelines.compare.run_ensembles import ensemble_of
from pipelines.compare.stopwatch import CONTROL_OF
from pipelines.run.control import CONTROL
from pipelines.run.directory import RunDirectory
from pruning.core.errors import DamagedRunError
from pruning.data.splits import Splits

TURNS = 3
SAMPLES = 1024


@dataclass(frozen=True)
class Measured:
    """What ``measurements.json`` holds.

    Attributes
    ----------
    team
        The selected team it was measured for.
    threads
        CPU threads of every contender.
    machine
        Processor, cores, system, and the day.
    contenders
        By name.
    """

    team: tuple[str, ...]
    threads: int
    machine: str
    contenders: Mapping[str, Measurements]

    @property
    def words(self) -> str:
        """How it was measured, in a sentence."""
        threads = "1 thread" if self.threads == 1 else f"{self.threads} threads"
        return (
            f"Time and memory were measured on {self.machine}, {threads} each, a process a "
            f"contender, {TURNS} turns, the best of each."
        )


@dataclass(frozen=True)
class _Source:
    """What a contender's process loads, and how many bytes its files have."""

    path: str
    disk_bytes: int
    options: tuple[str, ...] = ()


def stored_measurements(run: RunDirectory, team: tuple[str, ...]) -> Measured | None:
    """Return what was measured of this team; None if nothing was."""
    if not run.measurements_file.is_file():
        return None
    content = run.sealed(run.measurements_file)
    try:
        found = Measured(
            tuple(content["team"]), content["threads"], content["machine"],
            {name: Measurements(**values) for name, values in content["contenders"].items()},
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedRunError(f"{run.measurements_file}: {error}; delete it") from error
    return found if found.team == team else None


def measure(
    run: RunDirectory,
    evidence: Evidence,
    rows: Sequence[Contender],
    splits: Splits,
    threads: int = 1,
) -> Measured:
    """Measure every contender that is one team, and keep it in ``measurements.json``.

    Means over draws are no team and are left out.

    Parameters
    ----------
    run, evidence
        The finished run.
    rows
        The comparison's contenders.
    splits
        Test samples are what is predicted.
    threads
        CPU threads of every contender, torch and ONNX Runtime alike.
    """
    with tempfile.TemporaryDirectory(prefix="ensemble-") as place:
        samples = Path(place, "samples.npy")
        np.save(samples, splits.test.images[:SAMPLES])
        sources = _sources(run, evidence, rows, Path(place))
        found = _in_turns(sources, samples, threads)
    measured = Measured(evidence.selection.team, threads, _machine(), found)
    write_json_atomic(run.measurements_file, seal(dataclasses.asdict(measured)))
    return measured


def _sources(
    run: RunDirectory, evidence: Evidence, rows: Sequence[Contender], place: Path
) -> dict[str, _Source]:
    found = {}
    archs = tuple(run.root.config.archs)
    team = _Source(str(run.ensemble_folder), _bytes_of(run.ensemble_folder), archs)
    special = {
        SELECTED: team,
        CASCADE: dataclasses.replace(team, options=("cascade", *archs)),
        ONNX: _Source(str(run.onnx_file), _bytes_of(run.onnx_file)),
        INT8: _Source(str(run.int8_file), _bytes_of(run.int8_file)),
        CONTROL: _Source(f"{CONTROL_OF}{run.path}", _bytes_of(run.control_file.parent)),
    }
    for row in rows:
        if row.name in special:
            found[row.name] = special[row.name]
        elif row.team:
            folder = place / row.name
            save(ensemble_of(run, _members(run, evidence, row.team)), folder)
            found[row.name] = _Source(str(folder), _bytes_of(folder), archs)
    return found


def _members(
    run: RunDirectory, evidence: Evidence, team: Sequence[str]
) -> Iterator[EnsembleMember]:
    by_id = {member.id: member for member in evidence.members}
    for name in team:
        record = by_id[name]
        cost = run.history(record.run).rounds[record.round].cost
        network = run.load_member(record.run, record.round).network
        yield EnsembleMember(name, record.arch, network, cost)


def _in_turns(
    sources: Mapping[str, _Source], samples: Path, threads: int
) -> dict[str, Measurements]:
    turns: dict[str, list[dict[str, float]]] = {name: [] for name in sources}
    with contextlib.ExitStack() as stack:
        workers = {
            name: stack.enter_context(_worker(source, samples, threads))
            for name, source in sources.items()
        }
        for name, worker in workers.items():
            _answer(name, worker)
        for _ in range(TURNS):
            for name, worker in workers.items():
                if worker.stdin is not None:
                    worker.stdin.write("\n")
                    worker.stdin.flush()
                turns[name].append(_answer(name, worker))
        peaks = {name: _last_answer(name, worker) for name, worker in workers.items()}
    return {
        name: Measurements(
            latency_1_ms=1000 * min(turn["one"] for turn in turns[name]),
            latency_128_ms=1000 * min(turn["large"] for turn in turns[name]),
            throughput=max(turn["per_second"] for turn in turns[name]),
            peak_process_bytes=peaks[name],
            disk_bytes=source.disk_bytes,
        )
        for name, source in sources.items()
    }


@contextlib.contextmanager
def _worker(source: _Source, samples: Path, threads: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "pipelines.compare.stopwatch", source.path, str(samples)]
    places = os.pathsep.join(filter(None, sys.path))  # so that it finds what this process found
    limits = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    with subprocess.Popen(
        [*command, str(threads), *source.options], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, env={**os.environ, **limits, "PYTHONPATH": places},
    ) as worker:  # fmt: skip
        try:
            yield worker
        finally:
            worker.kill()


def _answer(name: str, worker: subprocess.Popen[str]) -> dict[str, float]:
    line = worker.stdout.readline() if worker.stdout else ""
    if not line:
        said = worker.stderr.read().strip().splitlines() if worker.stderr else []
        raise RuntimeError(f"{name} could not be measured: {said[-1] if said else 'no answer'}")
    answer: dict[str, float] = json.loads(line)
    return answer


def _last_answer(name: str, worker: subprocess.Popen[str]) -> float:
    if worker.stdin is not None:
        worker.stdin.close()
    return _answer(name, worker)["peak_process_bytes"]


def _bytes_of(path: Path) -> int:
    """Return the bytes of a file, or of what a folder holds of an ensemble."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.iterdir() if file.suffix != ".npz")
    return path.stat().st_size if path.is_file() else 0


def _machine() -> str:
    """Return processor, cores, system and day."""
    name = platform.processor() or platform.machine()
    with contextlib.suppress(OSError, IndexError):
        known = Path("/proc/cpuinfo").read_text(encoding="utf-8")
        name = known.split("model name")[1].split(":", 1)[1].splitlines()[0].strip()
    day = datetime.now(UTC).date().isoformat()
    return f"{name}, {os.cpu_count()} cores, {platform.system()}, {day}"
