"""Rich's console on standard output, where a reader who leaves is met as by `print`."""

from __future__ import annotations

import sys

from rich.console import Console


class OutputConsole(Console):
    """A console that lets BrokenPipeError through; rich would end the process with 1."""

    def on_broken_pipe(self) -> None:
        """Raise the error that is being handled."""
        error = sys.exception()
        if error is not None:
            raise error
