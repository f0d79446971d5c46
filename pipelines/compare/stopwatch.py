"""The process that measures one contender: it loads it, and predicts when it is told to.

    python -m pipelines.compare.stopwatch SOURCE SAMPLES THREADS [cascade] [module:factory …]

It imports no more than its contender needs: what it holds is what a user's process holds.
Answers are JSON lines on standard output: one when it is ready, one for each line on
standard input, the last with the most memory it ever held.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ensemble.reading.inputs import AsStored
from pruning.core.timing import median_seconds

if TYPE_CHECKING:
    from ensemble.classifier import Classifier

CONTROL_OF = "control-of:"
LARGE = 128
SECONDS = 0.2
"""How long each of the three timings takes at least."""


def main(source: str, samples: str, threads: int, *options: str) -> None:
    """Serve one contender until standard input ends."""
    model = _loaded(source, threads, tuple(o for o in options if o != "cascade"))
    if "cascade" in options:
        model.set_params(cascade=True)
    x = np.load(samples)
    model.predict_proba(AsStored(x[:1]))
    model.predict_proba(AsStored(x))
    print(json.dumps({"ready": True}), flush=True)
    for _ in sys.stdin:
        print(json.dumps(_turn(model, x)), flush=True)
    print(json.dumps({"peak_process_bytes": peak_bytes()}), flush=True)


def _loaded(source: str, threads: int, archs: tuple[str, ...]) -> Classifier:
    if source.endswith(".onnx"):
        from ensemble.onnx.runtime import load_onnx

        return load_onnx(Path(source), threads=threads)
    import torch

    torch.set_num_threads(threads)
    if source.startswith(CONTROL_OF):
        from pipelines.compare.run_ensembles import control_ensemble

        name, _, path = source.removeprefix(CONTROL_OF).partition(":")
        return control_ensemble(name, Path(path))
    from pipelines.run.loading import load_ensemble

    return load_ensemble(source, archs)


def _turn(model: Classifier, x: np.ndarray) -> dict[str, float]:
    """Time single samples, batches of 128, and all there is; medians, in seconds."""
    singles = [AsStored(x[i : i + 1]) for i in range(min(len(x), 64))]
    large = AsStored(np.resize(x, (LARGE, *x.shape[1:])))
    whole = median_seconds(lambda _: model.predict_proba(AsStored(x)), calls=1, seconds=SECONDS)
    return {
        "one": median_seconds(
            lambda i: model.predict_proba(singles[i % len(singles)]), calls=20, seconds=SECONDS
        ),
        "large": median_seconds(lambda _: model.predict_proba(large), calls=3, seconds=SECONDS),
        "per_second": len(x) / whole,
    }


def peak_bytes() -> int:
    """Return the most memory this process has held."""
    status = Path("/proc/self/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), *sys.argv[4:])
