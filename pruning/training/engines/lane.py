"""A stream of a CUDA device on which work is recorded once and replayed.

A small network's step is a hundred short kernels: launched one by one they leave the device
idle. Recorded as a graph they are launched at once, and the graphs of several lanes run side
by side. On a processor there is nothing to record, and work is done as it is called.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator

import torch

Work = Callable[[], None]

REHEARSALS = 3
"""Passes before work is recorded, as PyTorch asks for: libraries choose and compile in them."""
REHEARSALS_AFTER = 1
"""Passes before the work of networks after the first: what libraries do once has been done."""


class EngineWarning(UserWarning):
    """An engine goes on without what makes it fast."""


UNRECORDED = "a network whose step cannot be recorded is trained kernel by kernel, which is slower"


class Lane:
    """Work in order on one stream, beside that of other lanes.

    Parameters
    ----------
    device
        Any; only CUDA has streams.
    rehearsals
        Passes before work is recorded.
    """

    def __init__(self, device: torch.device, rehearsals: int = REHEARSALS) -> None:
        self._device, self._rehearsals = device, rehearsals
        self._stream: torch.cuda.Stream | None = None
        self._begun = False
        if device.type == "cuda":
            self._stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
            # What a lane records never runs at the same time: one pool of memory serves it all,
            # until the last of it is gone.
            self._pool = torch.cuda.graph_pool_handle()

    @contextlib.contextmanager
    def used(self) -> Iterator[None]:
        """Do what follows on this lane, which has begun or begins now.

        Else it would read what the device's current stream has yet to write.
        """
        if not self._begun:
            self.begin()
        with torch.cuda.stream(self._stream) if self._stream else contextlib.nullcontext():
            yield

    def begin(self) -> None:
        """Let the lane wait for what the device's current stream was told so far."""
        self._begun = True
        if self._stream:
            self._stream.wait_stream(torch.cuda.current_stream(self._device))

    def end(self) -> None:
        """Let the device's current stream wait for what the lane was told so far.

        What the lane has read may be freed from here on.
        """
        self._begun = False
        if self._stream:
            torch.cuda.current_stream(self._device).wait_stream(self._stream)

    def recorded(self, work: Work, rehearse: Work) -> Work:
        """Return what does the work when it is called inside `used`.

        Parameters
        ----------
        work
            Reads and writes the same tensors each time, and never waits for the device.
        rehearse
            Calls the same kernels, and leaves everything as it was.

        Warns
        -----
        EngineWarning
            If the work waits for the device, such as for a number it branches on: it cannot be
            recorded, and is done as it is called.
        """
        if not self._stream:
            rehearse()
            return work
        with self.used():
            for _ in range(self._rehearsals):
                rehearse()
            torch.cuda.synchronize(self._device)
            # Not `torch.cuda.graph`: it gives all unused memory back, each time.
            graph = torch.cuda.CUDAGraph()
            graph.capture_begin(self._pool, capture_error_mode="thread_local")
            try:
                work()
                graph.capture_end()
            except torch.OutOfMemoryError:
                _given_up(graph)
                raise
            except RuntimeError as error:
                _given_up(graph)
                reason = str(error).strip().splitlines()[0]
                warnings.warn(f"{UNRECORDED}: {reason}", EngineWarning, stacklevel=2)
                return work
        return graph.replay


def _given_up(graph: torch.cuda.CUDAGraph) -> None:
    with contextlib.suppress(RuntimeError):
        graph.capture_end()
