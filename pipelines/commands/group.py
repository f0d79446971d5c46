"""The command line itself, and what several of its commands have: their options, their checks."""

from __future__ import annotations

from typing import Any

import click

from ensemble.installed import check_alone
from pipelines.commands.help_sections import SectionedOption
from pipelines.commands.outcome import reader_left
from pipelines.commands.setting_options import SettingOption
from pruning.core.errors import MachineError, RequestError


def out_option(help_text: str, section: str = "Options") -> SectionedOption:
    """Return the option for where the result goes; without a path it cannot be given."""
    return SectionedOption(["--out"], section=section, help=help_text)


def _show_version(context: click.Context, _: click.Parameter, asked: bool) -> None:
    if asked:
        from ensemble.release import __version__

        click.echo(f"ensemble, version {__version__}")
        context.exit()


class Commands(click.Group):
    """Commands, none of whose words may be empty; settings check their own."""

    def add_command(self, cmd: click.Command, name: str | None = None) -> None:
        """Add a command."""
        for parameter in cmd.params:
            if not isinstance(parameter, SettingOption):
                parameter.callback = parameter.callback or _not_empty
        super().add_command(cmd, name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; a reader who has left, as ``| head`` does, ends it well.

        click would exit with 1, and without a word where another process is the one that is gone.
        """
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            if reader_left():
                return 0
            raise MachineError(
                "a process that this one spoke to has ended, most likely as memory ran out; "
                "give the command again"
            ) from error


def _not_empty(context: click.Context, parameter: click.Parameter, value: Any) -> Any:
    if value == "" or (isinstance(value, tuple) and "" in value):
        option = isinstance(parameter, click.Option)
        what = parameter.opts[0] if option else parameter.human_readable_name
        raise RequestError(
            f"{what} '': allowed is a path or a name{', or leave it out' if option else ''}"
        )
    return value


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Add --debug to any command for the traceback of an error.",
)
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_version,
              help="Show the version and exit.")  # fmt: skip
def cli() -> None:
    """Train M networks, prune each with DropNet, keep the S that vote best together."""
    check_alone()


own_networks = click.option(
    "--arch",
    "archs",
    multiple=True,
    help="module:factory of members that are your own network: its code is run.",
)
