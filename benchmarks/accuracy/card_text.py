"""What a card's rows say, in lines to read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

BAR = -0.005
"""Where the paired interval to all whole networks has to stay above."""


def told(row: dict[str, Any]) -> Iterator[str]:
    """Yield what a row says, a line each."""
    yield (
        f"{row['job']}, seed {row['seed']}: {row['m']} networks, {row['build_seconds']:.0f} s to "
        f"build, {row['seconds']:.0f} s in all"
    )
    for found in row["rounds"]:
        spread = "" if found["deviation"] is None else f" ± {100 * found['deviation']:.2f}"
        yield (
            f"  round {found['round']}: one network {100 * found['accuracy']:.2f}{spread} %, at "
            f"{found['flops']:.3f} of its FLOPs and {found['bytes']:.3f} of its bytes, "
            f"{found['epochs_seen']:.0f} epochs"
        )
    for found in row.get("contenders", ()):
        yield f"  {_line(found)}"
    held = [found for found in row.get("curve", ()) if found["against"]["all_unpruned"][1] > BAR]
    for found in row.get("curve", ()):
        yield f"  {'held' if found in held else 'lost'}: {_line(found)}"
    if held:
        least = min(found["flops_ratio"] for found in held)
        yield f"  smallest share whose interval stays above {100 * BAR:+.1f} points: {least:.3f}"
    if price := row.get("price_of_one"):
        yield f"  at the price of one, in FLOPs and bytes: {_line(price)}"


def _line(found: dict[str, Any]) -> str:
    gaps = [
        f"{100 * value:+.2f} ({100 * low:+.2f} to {100 * high:+.2f}) to {name}"
        for name, (value, low, high) in found["against"].items()
    ]
    return (
        f"{found['contender']}: {found['members']}, {100 * found['accuracy']:.2f} % at "
        f"{found['flops_ratio']:.3f} of the FLOPs, {found['bytes_ratio']:.3f} of the bytes; "
        + ", ".join(gaps)
    )
