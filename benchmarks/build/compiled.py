"""Does `torch.compile` pay back on this processor? Steps a second with it and without.

    python benchmarks/build/compiled.py

A round changes every width, so that each round of each architecture compiles anew.
"""

from __future__ import annotations

import time

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from pruning.networks.architecture import build_network

SHAPE, BATCH, TURNS = (3, 32, 32), 128, 6
WIDTHS = ("64-64-128-128-256", "33-33-66-66-256", "16-16-29-29-256")


def main() -> None:
    """Print a Markdown table of conv-c at full width, a half and a quarter, in bfloat16."""
    torch.set_num_threads(1)
    print("| conv-c | eager, images/s | compiled, images/s | first step compiled, s |")
    print("|---|---|---|---|")
    for widths in WIDTHS:
        eager, compiled = (
            steps(build_network(f"conv-c:{widths}", 10, SHAPE, 0), compiled=compiled)
            for compiled in (False, True)
        )
        print(
            f"| {widths} | {BATCH / eager[1]:.0f} | {BATCH / compiled[1]:.0f} | {compiled[0]:.1f} |"
        )


def steps(network: nn.Module, *, compiled: bool) -> tuple[float, float]:
    """Return the seconds of the first training step and the least of some later ones."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    run = torch.compile(network) if compiled else network
    images = torch.rand(BATCH, *SHAPE).contiguous(memory_format=torch.channels_last)
    labels = torch.arange(BATCH) % 10
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, fused=True)
    found = []
    for _ in range(TURNS + 1):
        started = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
            logits = run(images)
        optimizer.zero_grad()
        F.cross_entropy(logits.float(), labels).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        found.append(time.perf_counter() - started)
    return found[0], min(found[1:])


if __name__ == "__main__":
    main()
