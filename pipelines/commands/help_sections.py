"""Options of a long command in sections, each with a heading of its own in ``--help``."""

from __future__ import annotations

from typing import Any

import click

_OTHER = "Options"


class SectionedOption(click.Option):
    """An option that knows under which heading it stands."""

    def __init__(self, *words: Any, section: str, **settings: Any) -> None:
        super().__init__(*words, **settings)
        self.section = section


class SectionedCommand(click.Command):
    """A command whose help shows its options under their headings, in order of appearance."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the words; an error of any knows whose it is, and so where its help stands."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections; options without one come last."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None and not isinstance(parameter, click.Argument):
                sections.setdefault(getattr(parameter, "section", "") or _OTHER, []).append(record)
        others = sections.pop(_OTHER)  # there is always --help
        for heading, records in (*sections.items(), (_OTHER, others)):
            with formatter.section(heading):
                formatter.write_dl(records)
