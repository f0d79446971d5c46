"""Builds on a card that are killed at random moments: given again, do they end alike?

    python benchmarks/reliability/killed_on_card.py DATA --kills 10 [--device cuda] [--jobs 4]

DATA is images as ``ensemble build --data`` takes them. Prints a line per kill, and a last one. Each
command is a process of its own: `trials.py` forks one that has loaded everything, which CUDA does
not survive.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "support")]

from loopback import start  # noqa: E402
from run_contents import logged_rounds, run_files  # noqa: E402

WORDS = (
    "build", "--arch", "conv-b:24-24", "--m", "4", "--s", "2", "--limit", "4000", "--epochs", "3",
    "--fraction", "0.3", "--kappa", "0", "--keep", "0", "--rounds", "6", "--backend", "sequential",
)  # fmt: skip


def begun(options: argparse.Namespace, out: Path) -> subprocess.Popen[str]:
    """Start the build into a folder."""
    where = ("--data", str(Path(options.data).resolve()), "--device", options.device)
    return start((*WORDS, *where, "--out", str(out)), out.parent)


def killed(options: argparse.Namespace, out: Path, after: float) -> dict[str, object]:
    """Kill a build after so many seconds, give it again; return how it ended, and its files."""
    process = begun(options, out)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
    process.communicate()
    rounds = len(logged_rounds(out))
    again = begun(options, out)
    said = again.communicate()[1]
    return {"after": round(after, 1), "rounds_there": rounds, "code": again.returncode,
            "said": said[-300:] if again.returncode else "", "files": run_files(out)}  # fmt: skip


def main() -> None:
    """Build undisturbed, then kill and go on."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--jobs", type=int, default=4, help="builds at a time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder, began = Path(scratch), time.perf_counter()
        whole = begun(options, folder / "whole")
        errors = whole.communicate()[1]
        if whole.returncode:
            parser.exit(1, errors)
        seconds, wanted = time.perf_counter() - began, run_files(folder / "whole")
        print(json.dumps({"undisturbed_s": round(seconds, 1), "files": len(wanted)}), flush=True)
        rng, found = random.Random(0), []
        # Several at a time take longer each: the moments are spread over what one took alone.
        moments = [rng.uniform(0.2, 1.2) * seconds for _ in range(options.kills)]
        outs = [folder / str(k) for k in range(options.kills)]
        with ThreadPoolExecutor(options.jobs) as pool:
            for line in pool.map(lambda out, at: killed(options, out, at), outs, moments):
                line["same"] = line.pop("files") == wanted
                found.append(line)
                print(json.dumps(line), flush=True)
    same = sum(bool(line["same"]) for line in found)
    print(json.dumps({"part": "killed", "kills": len(found), "same_bytes": same}))


if __name__ == "__main__":
    main()
