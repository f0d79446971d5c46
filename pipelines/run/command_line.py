"""A configuration as the command that asks for it."""

from __future__ import annotations

import shlex
from typing import Any

from pipelines.run.config import BuildConfig
from pruning.core.settings_tree import Setting, asked, settings_of

ALWAYS = ("m", "s")
"""Options that stand in every command, first."""


def command_of(config: BuildConfig) -> str:
    """Return the ``ensemble build`` command of a configuration, defaults left out.

    >>> command_of(BuildConfig(archs=("mlp-a:60-60",)))
    'ensemble build --m 20 --s 5 --arch mlp-a:60-60'
    """
    given = {"m": config.m, "s": config.selection.size} | asked(config)
    if "arch" in given:
        given["arch"] = config.arch_names
    settings = sorted(settings_of(type(config)), key=lambda setting: setting.name not in ALWAYS)
    words = [
        word
        for setting in settings
        if setting.name in given
        for word in _spelt(setting, given[setting.name])
    ]
    return shlex.join(["ensemble", "build", *words])


def _spelt(setting: Setting, value: Any) -> list[str]:
    if setting.expected.kind is bool:
        return [setting.flag if value else setting.negated]
    values = value if setting.expected.repeated else (value,)
    return [word for each in values for word in (setting.flag, str(each))]
