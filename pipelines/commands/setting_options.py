"""Command-line options made from settings, and messages in the command line's own words.

What a setting's field says of itself (`pruning.core.options`) is all there is: its help, range,
names, type and spelling. Values are checked by the settings class, not by click.
"""

from __future__ import annotations

import re
from typing import Any

import click
from click.shell_completion import CompletionItem

from pipelines.commands.help_sections import SectionedOption
from pruning.core.settings_tree import NONE, Setting, settings_of

FEW_NAMES = 4
"""Up to so many names stand in place of the value, more in the text."""


class _OrNone:
    """Of a type of numbers: the word that takes one off is taken, too."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the number, or the word as it is."""
        return value if value == NONE else super().convert(value, param, ctx)  # type: ignore[misc]


class FloatOrNone(_OrNone, click.types.FloatParamType):
    """A number, or the word that takes one off."""


class IntOrNone(_OrNone, click.types.IntParamType):
    """A whole number, or the word that takes one off."""


class SettingOption(SectionedOption):
    """The option of a setting.

    Parameters
    ----------
    setting
        Whose option.
    default_text
        What nothing given comes to, where that is not the setting's own default.
    """

    def __init__(self, setting: Setting, default_text: str | None = None) -> None:
        self.setting = setting
        kind, names = setting.expected.kind, _names(setting)
        yes_or_no = f"{setting.flag}/{setting.negated}"
        super().__init__(
            [setting.name, yes_or_no if kind is bool else setting.flag],
            section=setting.section,
            type=_type(setting),
            default=None,
            multiple=setting.expected.repeated,
            metavar=setting.option.metavar or _metavar(names),
            help=_help(setting, default_text),
            shell_complete=lambda context, parameter, begun: [
                CompletionItem(name) for name in names if name.startswith(begun)
            ],
        )


def setting_options(settings: type, default_text: str | None = None) -> list[click.Parameter]:
    """Return the options of a settings class, in their order."""
    return [SettingOption(setting, default_text) for setting in settings_of(settings)]


def _names(setting: Setting) -> tuple[str, ...]:
    if setting.expected.literals:
        return setting.expected.literals
    return setting.option.names.offered if setting.option.names else ()


def _metavar(names: tuple[str, ...]) -> str | None:
    if not names:
        return None
    return f"[{'|'.join(names)}]" if len(names) <= FEW_NAMES else "NAME"


def _type(setting: Setting) -> Any:
    kind = setting.expected.kind
    if setting.may_be_none:
        return FloatOrNone() if kind is float else IntOrNone()
    return None if kind is bool else kind


def _help(setting: Setting, default_text: str | None) -> str:
    names, text = _names(setting), setting.option.help
    known = f"known: {setting.allowed}" if len(names) > FEW_NAMES or setting.option.metavar else ""
    bounds = f"allowed: {setting.option.range}" if setting.option.range else ""
    usual = setting.default_text
    off = f"{NONE}: {usual}" if default_text and setting.may_be_none else ""
    facts = [f"default: {default_text or usual}", off, bounds, known if names else ""]
    return f"{text}  [{'; '.join(fact for fact in facts if fact)}]"


def in_flags(message: str, command: click.Command | None) -> str:
    """Return a message of the library with arguments spelt as the command's options.

    The library names an argument in backquotes, as NumPy and SciPy do; other words in
    backquotes stay as they are.

    >>> from pipelines.run.selection_config import SelectionConfig
    >>> select = click.Command("select", params=setting_options(SelectionConfig))
    >>> in_flags("`size` 0: allowed 1 and more; see `ensemble show`", select)
    '--s 0: allowed 1 and more; see `ensemble show`'
    """
    flags: dict[str, str] = {}
    for parameter in command.params if command else ():
        if isinstance(parameter, click.Option) and parameter.name:
            flags[parameter.name] = parameter.opts[0]
            if isinstance(parameter, SettingOption):
                flags.setdefault(parameter.setting.field, parameter.opts[0])
    return re.sub(r"`(\w+)`", lambda found: flags.get(found[1], found[0]), message)
