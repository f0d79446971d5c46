"""The build on a CUDA card, in pieces of under ten minutes each.

    python benchmarks/build/gpu.py --cifar DIR --part peak
    python benchmarks/build/gpu.py --cifar DIR --part ours --engine streams
    python benchmarks/build/gpu.py --cifar DIR --part ours --engine loop-bf16 --rounds 0
    python benchmarks/build/gpu.py --cifar DIR --part textbook

M = 20 conv-c on CIFAR-10, 30 epochs a round, batch 128, p = 0.2 to a tenth; the textbook on
one member's rounds 0 and 1 of the same cost as all others, on the same card; one round of
resnet18 and vgg16. Each prints a line of JSON; ``--out`` adds it to a file.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path

import task as tasks
import torch
from throughput import product, training


def main() -> None:
    """Measure one part."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--cifar", required=True)
    parser.add_argument("--part", choices=["peak", "ours", "textbook"], required=True)
    parser.add_argument("--engine", default="auto")
    parser.add_argument("--arch", default="conv-c")
    parser.add_argument("--members", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=tasks.ROUNDS)
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not torch.cuda.is_available():
        parser.exit(2, "no CUDA device is here\n")
    found: dict[str, object] = {"card": torch.cuda.get_device_name(), **vars(options)}
    if options.part == "peak":
        found["product"] = product(torch.bfloat16, "cuda")
        for arch in ("conv-c", "resnet18", "vgg16"):
            found[arch] = training(arch, bf16=True, device="cuda")
    else:
        chosen = dataclasses.replace(
            tasks.TASKS["conv-c"], arch=options.arch, limit=None,
            epochs=options.epochs, rounds=options.rounds,
        )  # fmt: skip
        splits = chosen.splits(options.cifar)
        if options.part == "ours":
            outcome = tasks.program(chosen, splits, options.members, options.engine, 1, "cuda")
        else:
            once = dataclasses.replace(chosen, rounds=min(1, options.rounds))
            outcome = tasks.by_the_book(once, splits, 0, 1, "cuda")
        found |= dataclasses.asdict(outcome)
    line = json.dumps(found, default=str)
    print(line)
    if options.out:
        with options.out.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    main()
