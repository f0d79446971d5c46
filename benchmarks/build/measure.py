"""Runs one side in a process of its own, watches its memory, keeps what it came to."""

from __future__ import annotations

import json
import os
import platform
import shlex
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

HERE = Path(__file__).resolve().parent
RESULTS = HERE.parents[1] / "results" / "benchmarks" / "build"


@dataclass
class Store:
    """Measurements by name in one JSON file; what is there is not measured again."""

    file: Path
    data: Path
    prefix: str = ""

    def get(self, name: str, *arguments: object) -> dict[str, Any]:
        """Return what a side came to, running it if need be."""
        known = self.known
        if name not in known:
            print(f"measuring {name}", flush=True)
            known[name] = run_side([*shlex.split(self.prefix)], [*map(str, arguments)])
            self.put(name, known[name])
        found: dict[str, Any] = known[name]
        return found

    def put(self, name: str, value: Any) -> None:
        """Keep a measurement."""
        known = self.known | {name: value, "machine": machine()}
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")

    @property
    def known(self) -> dict[str, Any]:
        """What has been measured."""
        if not self.file.exists():
            return {}
        found: dict[str, Any] = json.loads(self.file.read_text(encoding="utf-8"))
        return found


def run_side(prefix: list[str], arguments: list[str]) -> dict[str, Any]:
    """Run ``side.py``; add the most memory that it and its workers held together."""
    environment = os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    process = subprocess.Popen(
        [*prefix, sys.executable, str(HERE / "side.py"), *arguments],
        stdout=subprocess.PIPE, text=True, env=environment,
    )  # fmt: skip
    peak = 0
    while process.poll() is None:
        peak = max(peak, proportional_bytes(process.pid))
        time.sleep(0.2)
    output = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise SystemExit(f"side.py {' '.join(arguments)} failed with {process.returncode}")
    outcome: dict[str, Any] = json.loads(output[output.index("{") :])
    load = round(os.getloadavg()[0], 1)
    return outcome | {"peak_bytes": peak, "load": load}


def proportional_bytes(pid: int) -> int:
    """Return the PSS of a process and its descendants: shared pages count once."""
    total, waiting = 0, [pid]
    while waiting:
        current = waiting.pop()
        folder = Path(f"/proc/{current}")
        try:
            rollup = (folder / "smaps_rollup").read_text()
            children = (folder / f"task/{current}/children").read_text()
        except OSError:
            continue
        line = next((line for line in rollup.splitlines() if line.startswith("Pss:")), "Pss: 0")
        total += 1024 * int(line.split()[1])
        waiting += map(int, children.split())
    return total


def machine() -> str:
    """Return the machine in words: processor, cores, units, versions."""
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    fields = {name.strip(): value.strip() for name, _, value in pairs}
    flags = fields.get("flags", "").split()
    units = [n for n in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_bf16") if n in flags]
    return (
        f"{os.cpu_count()} cores of {fields.get('model name', platform.machine())}, "
        f"{' '.join(units) or 'no vector units known'}; Python {platform.python_version()}, "
        f"PyTorch {torch.__version__}"
    )
