"""How what a build tells comes from where it trains to where it is shown.

Within one process through a queue; from worker processes through an append-only file.
"""

from __future__ import annotations

import contextlib
import json
import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from pipelines.build.progress import Event, event_from_json
from pipelines.build.watching import Watcher
from pipelines.run.build_log import append_line

TICK_SECONDS = 0.2

Tell = Callable[[Event], None]


@contextlib.contextmanager
def shown_from_queue(watcher: Watcher) -> Iterator[Tell]:
    """Yield what tells a watcher of events of this process."""
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()

    def fresh() -> Iterator[Event]:
        with contextlib.suppress(queue.Empty):
            while True:
                yield events.get_nowait()

    with _shown(fresh, watcher):
        yield events.put


@contextlib.contextmanager
def shown_from_file(path: Path, watcher: Watcher) -> Iterator[None]:
    """Tell a watcher of the events that `append_event` appends to a file."""
    path.touch()
    pending = ""
    with path.open(encoding="utf-8") as lines:

        def fresh() -> Iterator[Event]:
            nonlocal pending
            *whole, pending = (pending + lines.read()).split("\n")
            for line in whole:
                yield event_from_json(json.loads(line))

        with _shown(fresh, watcher):
            yield


def append_event(path: Path, event: Event) -> None:
    """Append one line."""
    append_line(path, event.to_json())


@contextlib.contextmanager
def _shown(fresh: Callable[[], Iterator[Event]], watcher: Watcher) -> Iterator[None]:
    """Show in a thread of its own whatever is fresh, to the last, a few times a second."""
    ended = threading.Event()

    def follow() -> None:
        while True:
            last = ended.is_set()
            for event in fresh():
                watcher.saw(event)
            if last:
                return
            watcher.tick()
            ended.wait(TICK_SECONDS)

    reader = threading.Thread(target=follow, daemon=True)
    reader.start()
    try:
        yield
    finally:
        ended.set()
        reader.join()
