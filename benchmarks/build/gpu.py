"""The build on a CUDA card, in one command of at most twelve minutes.

    python benchmarks/build/gpu.py --cifar DATA --mnist FOLDER --out results/benchmarks/gpu.jsonl

DATA is CIFAR-10 as ``ensemble build --data`` takes it, FOLDER holds MNIST as ``--data-dir``.
Each line is printed, and written, as it is known. What each part measures is said in
`gpu_parts`; ``--parts peak,steps`` runs some of them.
"""

from __future__ import annotations

import argparse
import gc
import json
import time
from pathlib import Path

import gpu_bench
import gpu_parts
import torch

from pruning.data.load import load_splits


def main() -> None:
    """Measure the parts in order, as far as the time goes."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cifar", required=True)
    parser.add_argument("--mnist", type=Path, required=True)
    parser.add_argument("--parts", default=",".join(gpu_parts.PARTS))
    parser.add_argument("--seconds", type=float, default=720, help="begin nothing later than this")
    parser.add_argument("--device", default="cuda", help="cpu tries the script out, in miniature")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        parser.exit(2, "no CUDA device is here\n")
    started = time.perf_counter()
    cifar = load_splits(options.cifar, limit=None if options.device == "cuda" else 400).splits
    bench = gpu_bench.Bench(torch.device(options.device), cifar, options.mnist)
    card = torch.cuda.get_device_name() if options.device == "cuda" else "cpu"
    for name in options.parts.split(","):
        for measure in gpu_parts.PARTS[name]:
            if time.perf_counter() - started > options.seconds:
                line = {"part": name, "left_out": "no time"}
            else:
                try:
                    line = {"part": name, **measure(bench)}
                except RuntimeError as error:
                    line = {"part": name, "failed": str(error).splitlines()[0]}
            seconds = round(time.perf_counter() - started, 1)
            text = json.dumps({**line, "card": card, "torch": torch.__version__, "at": seconds})
            print(text, flush=True)
            if options.out:
                with options.out.open("a", encoding="utf-8") as file:
                    file.write(text + "\n")
            gc.collect()
            if options.device == "cuda":
                torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
