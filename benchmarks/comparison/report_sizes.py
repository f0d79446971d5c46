"""Time and size of the report for few and many members and classes.

    python benchmarks/comparison/report_sizes.py

Both with what every run has and with what can be brought along: a control, exported forms,
measurements. Evidence is made up (`tests/support/evidence_support.py`).
"""

from __future__ import annotations

import os
import platform
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tests" / "support"))

from evidence_support import synthetic_evidence, with_everything

from pipelines.compare.from_evidence import comparison_of
from pipelines.report.page import render

SECONDS, BYTES = 20, 2_000_000


def main() -> None:
    """Print a row a size."""
    print("# Time and size of the report\n\n`python benchmarks/comparison/report_sizes.py`\n")
    print(f"{os.cpu_count()} cores, {platform.machine()}; Python {platform.python_version()}, "
          f"NumPy {np.__version__}; load {os.getloadavg()[0]:.1f} when it began. Allowed are "
          f"{SECONDS} s and {BYTES / 1e6:g} MB each; 1,000 test samples with images, HQ chooses "
          "among all unpruned; time is of numbers and page together.\n")  # fmt: skip
    print("| M | S | classes | brought along | s | kB | holds |\n|--:|--:|--:|---|--:|--:|---|")
    for members, size, classes in ((2, 2, 2), (2, 2, 200), (20, 5, 10), (200, 5, 2), (200, 5, 200)):
        evidence = synthetic_evidence(members, size, classes, 1000, method="top")
        for everything in (False, True):
            begun = time.perf_counter()
            page = render(with_everything(evidence) if everything else comparison_of(evidence))
            seconds, size_of_page = time.perf_counter() - begun, len(page.encode())
            holds = seconds < SECONDS and size_of_page < BYTES
            print(f"| {members} | {size} | {classes} | {'all' if everything else 'nothing'} "
                  f"| {seconds:.1f} | {size_of_page / 1000:.0f} | {'yes' if holds else 'NO'} |",
                  flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
