"""A watcher that also calls functions of the user's own with every event of a build."""

from __future__ import annotations

from collections.abc import Callable

from pipelines.build.progress import Event
from pipelines.build.watching import Watcher

OnEvent = Callable[[Event], object]
"""Called with each `EpochDone`, `RoundDone`, `Halved` and `Slower`, in a thread of its own."""


class CallingWatcher(Watcher):
    """Shows what another watcher shows, and calls a function with every event.

    One that fails is named and not called again: hours of training do not end with a plot.

    Parameters
    ----------
    shown
        What shows the build.
    call
        Called from the thread that shows.
    """

    def __init__(self, shown: Watcher, call: OnEvent) -> None:
        super().__init__(shown.tally)
        self._shown, self._call = shown, call
        self._failed = False

    def __enter__(self) -> CallingWatcher:
        self._shown.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._shown.__exit__(*error)

    def saw(self, event: Event) -> None:
        """Show an event, then call with it."""
        self._shown.saw(event)
        if self._failed:
            return
        try:
            self._call(event)
        except Exception as error:
            self._failed = True
            self.say(f"{_name(self._call)} failed and is not called again: {error!r}")

    def say(self, line: str) -> None:
        """Say it as what shows does."""
        self._shown.say(line)

    def tick(self) -> None:
        """Pass it on."""
        self._shown.tick()


def _name(call: OnEvent) -> str:
    return str(getattr(call, "__qualname__", type(call).__qualname__))
