"""Latency and memory of a comparison's contenders, measured in one process each.

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

from pipelines.build.built import Built
from pipelines.compare.contenders import (
    CASCADE,
    INT8,
    ONNX,
    SELECTED,
    Contender,
)
from pipelines.compare.measurements import TURNS, Measured, Measurements
from pipelines.compare.run_ensembles import plain_ensemble
from pipelines.compare.stopwatch import CONTROL_OF
from pipelines.run.machine import processor_name
from pipelines.run.resolved import ResolvedConfig
from pipelines.run.store import ProductFiles, Store
from pruning.core.errors import DamagedRunError, MachineError, RequestError
from pruning.networks.architecture import architecture_name

SAMPLES = 1024


@dataclass(frozen=True)
class _Source:
    """What a contender's process loads, and how many bytes its files have."""

    path: str
    disk_bytes: int
    options: tuple[str, ...] = ()

    @classmethod
    def of(cls, path: Path, *options: str) -> _Source:
        return cls(str(path), _bytes_of(path), options)


def stored_measurements(store: Store, team: tuple[str, ...]) -> Measured | None:
    """Return what was measured of this team; None if nothing was."""
    content = store.measurements()
    if content is None:
        return None
    try:
        found = Measured.from_json(content)
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedRunError(
            f"the measurements of {store.name} cannot be read ({error}); measure again"
        ) from error
    return found if found.team == team else None


def measure(built: Built, rows: Sequence[Contender], threads: int = 1) -> Measured:
    """Measure every contender that is one team, and keep what was measured.

    Means over draws are no team and are left out.

    Parameters
    ----------
    built
        The finished build.
    rows
        The comparison's contenders.
    threads
        CPU threads of every contender, torch and ONNX Runtime alike.
    """
    with tempfile.TemporaryDirectory(prefix="ensemble-") as place:
        samples = Path(place, "samples.npy")
        np.save(samples, built.splits.test.images[:SAMPLES])
        sources = _sources(built, rows, Path(place))
        found = _in_turns(sources, samples, threads)
    measured = Measured(built.selection.team, threads, _machine(), found)
    built.store.keep_measurements(dataclasses.asdict(measured))
    return measured


def _sources(built: Built, rows: Sequence[Contender], place: Path) -> dict[str, _Source]:
    """Return what each contender's process loads; teams without files are saved in `place`."""
    resolved = built.store.resolved
    archs = _names(resolved)
    by_id = {record.id: record for record in built.records}
    stored = _stored_forms(built.store.product_files, archs)
    found = {}
    for row in rows:
        if row.name in stored:
            found[row.name] = stored[row.name]
        elif row.team:
            folder = place / row.name
            plain_ensemble([by_id[name] for name in row.team], resolved).save(folder)
            found[row.name] = _Source.of(folder, *archs)
    return found


def _names(resolved: ResolvedConfig) -> tuple[str, ...]:
    """Return the architectures' names, by which a contender's process builds its networks."""
    for arch in resolved.config.archs:
        if not isinstance(arch, str):
            raise RequestError(
                f"a contender is measured in a process of its own, which cannot build "
                f"{architecture_name(arch)!r}: it is given itself; name it module:factory"
            )
    return tuple(map(str, resolved.config.archs))


def _stored_forms(files: ProductFiles, archs: tuple[str, ...]) -> dict[str, _Source]:
    found = {}
    if files.ensemble:
        found[SELECTED] = _Source.of(files.ensemble, *archs)
        found[CASCADE] = _Source.of(files.ensemble, "cascade", *archs)
    if files.onnx:
        found[ONNX] = _Source.of(files.onnx)
    if files.int8:
        found[INT8] = _Source.of(files.int8)
    for name, folder in files.controls.items():
        path = f"{CONTROL_OF}{name}:{folder.parent}"
        found[name] = dataclasses.replace(_Source.of(folder), path=path)
    return found


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
                turns[name].append(_next_answer(name, worker))
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
        stderr=subprocess.PIPE, text=True,
        env={**os.environ, **limits, "PYTHONPATH": places, "PYTHONSAFEPATH": "1"},
    ) as worker:  # fmt: skip
        try:
            yield worker
        finally:
            worker.kill()
            _close(worker)  # with what it was still to be told


def _next_answer(name: str, worker: subprocess.Popen[str]) -> dict[str, float]:
    if worker.stdin is not None:
        with contextlib.suppress(BrokenPipeError):  # it has ended: no answer comes
            worker.stdin.write("\n")
            worker.stdin.flush()
    return _answer(name, worker)


def _answer(name: str, worker: subprocess.Popen[str]) -> dict[str, float]:
    line = worker.stdout.readline() if worker.stdout else ""
    if not line:
        said = worker.stderr.read().strip().splitlines() if worker.stderr else []
        code = worker.wait()
        ended = f"by signal {-code}, most likely as memory ran out" if code < 0 else f"with {code}"
        raise MachineError(
            f"{name} could not be measured: {said[-1] if said else f'it ended {ended}'}"
        )
    answer: dict[str, float] = json.loads(line)
    return answer


def _last_answer(name: str, worker: subprocess.Popen[str]) -> float:
    _close(worker)
    return _answer(name, worker)["peak_process_bytes"]


def _close(worker: subprocess.Popen[str]) -> None:
    if worker.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            worker.stdin.close()


def _bytes_of(path: Path) -> int:
    """Return the bytes of a file, or of what a folder holds of an ensemble."""
    if path.is_dir():
        return sum(file.stat().st_size for file in path.iterdir() if file.suffix != ".npz")
    return path.stat().st_size if path.is_file() else 0


def _machine() -> str:
    """Return processor, cores, system and day."""
    day = datetime.now(UTC).date().isoformat()
    return f"{processor_name()}, {os.cpu_count()} cores, {platform.system()}, {day}"
