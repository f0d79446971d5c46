"""Builds on a card that are killed at random moments: given again, do they end alike?

    python benchmarks/build/killed_on_card.py DATA --kills 10 [--device cuda] [--jobs 4]

DATA is images as ``ensemble build --data`` takes them. Prints a line per kill, and a last one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

COMMAND = (sys.executable, "-c", "from pipelines.commands.cli import main; main()", "build")
WORDS = (
    "--arch", "conv-b:24-24", "--m", "4", "--s", "2", "--limit", "4000", "--epochs", "3",
    "--fraction", "0.3", "--kappa", "0", "--keep", "0", "--rounds", "6", "--backend", "sequential",
)  # fmt: skip


def started(options: argparse.Namespace, out: Path) -> subprocess.Popen[bytes]:
    """Start the build into a folder."""
    words = (*COMMAND, *WORDS, "--data", options.data, "--device", options.device)
    return subprocess.Popen(
        (*words, "--out", str(out)), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )


def made(out: Path) -> dict[str, str]:
    """Return the digest of each file of the team, and of what it was chosen from."""
    files = [*out.glob("ensemble/**/*"), *out.glob("members/**/*.safetensors")]
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files if path.is_file()
    }  # fmt: skip


def killed(options: argparse.Namespace, out: Path, after: float) -> dict[str, object]:
    """Kill a build after so many seconds, give it again; return how it ended, and its files."""
    process = started(options, out)
    try:
        process.wait(after)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
    began = len([*out.glob("members/**/*.safetensors")])
    again = started(options, out)
    said = again.communicate()[1].decode()[-300:]
    return {"after": round(after, 1), "networks_there": began, "code": again.returncode,
            "said": said if again.returncode else "", "files": made(out)}  # fmt: skip


def main() -> None:
    """Build undisturbed, then kill and go on."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("data")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--jobs", type=int, default=4, help="builds at a time")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        whole = started(options, Path(folder) / "whole")
        errors = whole.communicate()[1].decode()
        if whole.returncode:
            parser.exit(1, errors)
        seconds, wanted = time.perf_counter() - began, made(Path(folder) / "whole")
        print(json.dumps({"undisturbed_s": round(seconds, 1), "files": len(wanted)}), flush=True)
        rng = random.Random(0)
        # Several at a time take longer each: the moments are spread over what one took alone.
        moments = [rng.uniform(0.2, 1.2) * seconds for _ in range(options.kills)]
        with ThreadPoolExecutor(options.jobs) as pool:
            outs = [Path(folder) / str(k) for k in range(options.kills)]
            found = []
            for line in pool.map(lambda out, at: killed(options, out, at), outs, moments):
                line["same"] = line.pop("files") == wanted
                found.append(line)
                print(json.dumps(line), flush=True)
    same = sum(bool(line["same"]) for line in found)
    print(json.dumps({"part": "killed", "kills": len(found), "same_bytes": same}))


if __name__ == "__main__":
    main()
