"""The command line: a wrong request becomes one line and exit code 2.

Nothing heavy is imported before a command needs it, so that ``--help`` answers at once.
"""

from __future__ import annotations

import signal
import sys
import traceback
from collections.abc import Sequence

import click

from ensemble.installed import lacking
from pipelines.commands import making, using
from pipelines.commands.group import cli
from pipelines.commands.outcome import bad_name, flushed, last_line, open_streams
from pipelines.commands.setting_options import in_flags
from pruning.core.errors import RequestError

COMMANDS = (making, using)
"""The modules whose import adds the commands to `cli`."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit: 0 done, 1 failed, 2 wrong request, 130 interrupted."""
    open_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    # A polite end must reach the worker processes too: it goes the way of Ctrl-C.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    debug = "--debug" in given
    code = run([word for word in given if word != "--debug"], debug=debug)
    for ending in (signal.SIGTERM, signal.SIGINT):  # all is written: who is ended now, ends unsaid
        signal.signal(ending, signal.SIG_DFL)
    sys.exit(flushed(code))


def run(arguments: Sequence[str], *, debug: bool = False) -> int:
    """Run a command and return its exit code; an error is one line on standard error."""
    try:
        result = cli.main(list(arguments), prog_name="ensemble", standalone_mode=False)
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return 2
    except (RequestError, click.UsageError) as error:
        return _fail(error, 2, debug, _command(arguments))
    except (KeyboardInterrupt, click.Abort):
        click.echo("ensemble: interrupted; the same command goes on where it stopped", err=True)
        return 130
    except ModuleNotFoundError as error:
        command = _command(arguments)
        told = lacking(str(command.name if command else "this"), error)
        if told is None:
            return _fail(error, 1, debug)
        told.__cause__ = error
        return _fail(told, 2, debug, command)
    except Exception as error:
        return _fail(error, 2 if bad_name(error) else 1, debug)
    return result if isinstance(result, int) else 0


def _command(arguments: Sequence[str]) -> click.Command | None:
    return next(filter(None, map(cli.commands.get, arguments)), None)


def _fail(error: Exception, code: int, debug: bool, command: click.Command | None = None) -> int:
    if debug:
        traceback.print_exception(error)
    click.echo(f"ensemble: {in_flags(last_line(error), command)}", err=True)
    return code


if __name__ == "__main__":
    main()
