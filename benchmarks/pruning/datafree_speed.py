"""Removing k of n neurons: saliencies updated against saliencies recomputed.

    python benchmarks/pruning/datafree_speed.py > results/benchmarks/pruning-datafree-speed.md

Distances cost O(n² d) once. A removal then costs O(n) when saliencies are updated and
O(n²) when they are recomputed: doubling n and k should take about 4 × and 8 × as long.
"""

from __future__ import annotations

import time

import numpy as np

from pruning.datafree.merging import Array, differences, merge_units

SIZES = (500, 1000, 2000)
FAN_IN, OUTPUTS = 800, 10


def recomputed(distances: Array, outgoing: Array, count: int) -> list[int]:
    """The same removals, with the whole saliency matrix anew for each."""
    distances, outgoing, removed = distances.copy(), outgoing.copy(), []
    for _ in range(count):
        saliency = (outgoing**2).mean(1)[None, :] * distances
        into, gone = np.unravel_index(int(saliency.argmin()), saliency.shape)
        removed.append(int(gone))
        outgoing[into] += outgoing[gone]
        distances[gone], distances[:, gone] = np.inf, np.inf
        outgoing[gone] = 1
    return removed


def main() -> None:
    """Print a Markdown page: processor times and their ratio for removing half of n neurons."""
    print("# Data-free removal of half of n neurons: saliencies updated or recomputed\n")
    print(f"`python benchmarks/pruning/datafree_speed.py`, {FAN_IN} inputs, {OUTPUTS} outputs.")
    print(
        "Processor time. Distances cost O(n² d), once; a removal O(n) updated, O(n²) recomputed.\n"
    )
    print("| n | distances, s | updated, s | recomputed, s | ratio | same removals |")
    print("|---|---|---|---|---|---|")
    for n in SIZES:
        rng = np.random.default_rng(n)
        weights, outgoing = rng.normal(size=(n, FAN_IN)), rng.normal(size=(n, OUTPUTS))
        weights /= np.linalg.norm(weights, axis=1, keepdims=True)
        times = [time.process_time()]
        distances = differences(weights, rng.normal(size=n), "heuristic")
        times.append(time.process_time())
        _, merges = merge_units(distances, outgoing, n // 2)
        times.append(time.process_time())
        same = recomputed(distances, outgoing, n // 2) == [merge.removed for merge in merges]
        times.append(time.process_time())
        once, fast, slow = np.diff(times)
        print(f"| {n} | {once:.2f} | {fast:.3f} | {slow:.2f} | {slow / fast:.0f} | {same} |")


if __name__ == "__main__":
    main()
