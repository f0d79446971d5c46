"""Where the time of a piece of work goes: one clock, read stage by stage."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager


class Stages:
    """Counts the seconds of each stage of a piece of work; a second belongs to one stage alone.

    A stage within a stage stops the outer one's clock until it ends. What computes on a card
    goes on beside the program: a stage that ends without waiting for the card hands what is
    left to the next one that waits. Each epoch, score and prediction waits as it ends.

    Parameters
    ----------
    clock
        Seconds since any moment, never falling.

    Examples
    --------
    >>> stages = Stages(iter([0.0, 1.0, 2.0, 5.0, 9.0, 10.0]).__next__)
    >>> with stages("cutting"), stages("training"):
    ...     pass
    >>> stages.taken()
    {'cutting': 5.0, 'training': 3.0, 'other': 2.0}
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._open: list[str] = []
        self._begin(clock())

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        """Count what is done within for a stage."""
        self._count()
        self._open.append(name)
        self._seconds.setdefault(name, 0.0)
        try:
            yield
        finally:
            self._count()
            self._open.pop()

    def taken(self) -> dict[str, float]:
        """Return the seconds of each stage and of ``"other"`` since the last call; begin anew.

        Together they are all the time since then.
        """
        now = self._count()
        found = dict(self._seconds)
        left = max(0.0, now - self._began - sum(found.values()))
        self._begin(now)
        return found | {"other": found.get("other", 0.0) + left}

    def shared_out(self, name: str, elsewhere: Mapping[str, float], at_a_time: int) -> None:
        """Give a stage's seconds to the stages of what was done meanwhile in other processes.

        Parameters
        ----------
        name
            The stage in which this process waited for them; it keeps the rest.
        elsewhere
            Seconds by stage, added up over these processes.
        at_a_time
            How many there were side by side, 1 or more.

        >>> stages = Stages(iter([0.0, 0.0, 10.0, 10.0]).__next__)
        >>> with stages("waiting"):
        ...     pass
        >>> stages.shared_out("waiting", {"training": 12.0, "files": 2.0}, 2)
        >>> stages.taken()
        {'waiting': 3.0, 'training': 6.0, 'files': 1.0, 'other': 0.0}
        """
        waited = self._seconds.get(name, 0.0)
        wanted = sum(elsewhere.values()) / at_a_time
        share = min(1.0, waited / wanted) / at_a_time if wanted else 0.0
        for stage, seconds in elsewhere.items():
            self._seconds[stage] = self._seconds.get(stage, 0.0) + seconds * share
            self._seconds[name] -= seconds * share

    def _begin(self, now: float) -> None:
        self._began = self._last = now
        self._seconds: dict[str, float] = {}

    def _count(self) -> float:
        """Give the time since the last look to the innermost stage that is open."""
        now = self._clock()
        if self._open:
            name = self._open[-1]
            self._seconds[name] = self._seconds.get(name, 0.0) + now - self._last
        self._last = now
        return now
