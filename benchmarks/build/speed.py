"""How fast a build is, against Algorithm 1 by the textbook: measures, then writes the table.

    python benchmarks/build/speed.py --mnist DIR --cifar DIR
    python benchmarks/build/speed.py --mnist DIR --part mlp
    python benchmarks/build/speed.py --part report

`--mnist` holds MNIST as torchvision lays it out, `--cifar` CIFAR-10 as a folder of class
folders below ``train/`` and ``test/``. Every measurement is a process of its own and is kept
in ``results/benchmarks/build/``: a stopped run goes on. `--prefix` is put before each of
them (``flock FILE``, ``taskset -c 0,1``).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import parts
import report
from measure import RESULTS, Store

PARTS = {
    "peak": (parts.peak, ""),
    "mlp": (parts.mlp, "mnist"),
    "conv": (parts.conv, "cifar"),
    "members": (parts.members, "mnist"),
    "samples": (parts.samples, "mnist"),
    "memory": (parts.memory, "cifar"),
    "inference": (parts.inference, ""),
}


def main() -> None:
    """Measure the parts that can be and write the table and the plot."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--mnist", type=Path)
    parser.add_argument("--cifar", type=Path)
    parser.add_argument("--part", choices=[*PARTS, "report"], action="append")
    parser.add_argument("--prefix", default="")
    options = parser.parse_args()
    folders = {"mnist": options.mnist, "cifar": options.cifar, "": Path()}
    for name, (measure, data) in PARTS.items():
        if options.part and name not in options.part:
            continue
        if folders[data] is None:
            print(f"{name} is left out: it needs --{data} DIR")
            continue
        measure(Store(RESULTS / f"{name}.json", folders[data], options.prefix))
    report.write()


if __name__ == "__main__":
    main()
