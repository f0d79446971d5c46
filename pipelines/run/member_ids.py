"""How a pool row, one round of one run, is named."""

from __future__ import annotations


def member_id(run: int, round_index: int) -> str:
    """Return the name of a pool row, a (run, round).

    >>> member_id(7, 3)
    '07-r3'
    """
    return f"{run:02d}-r{round_index}"


def run_and_round(name: str) -> tuple[int, int]:
    """Return the (run, round) that `member_id` named.

    >>> run_and_round("07-r3")
    (7, 3)
    """
    run, _, round_index = name.partition("-r")
    return int(run), int(round_index)
