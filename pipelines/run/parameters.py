"""The options of a build as parameters of a Python class: names, defaults, what is refused.

On the command line nothing is what nobody gave; here None was given, and is refused where it is
not the default.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.run.config import BuildConfig
from pipelines.run.resources import Placement, usable_cores
from pruning.core.errors import RequestError, unknown_name
from pruning.core.settings_tree import Setting, settings_of
from pruning.data.data_config import DataConfig

_OF_DATA = {setting.name for setting in settings_of(DataConfig)}
SETTINGS = tuple(s for s in settings_of(BuildConfig) if s.name not in _OF_DATA)
"""Every option of a build but those that name data."""

EVERY_CORE = -1
"""What asks for a group on each core, as in scikit-learn."""

JOBS_HELP = "Groups of runs that train at a time; -1 is one per core."

DEFAULTS: dict[str, Any] = {setting.name: setting.default for setting in SETTINGS} | {"jobs": 1}
"""Every parameter's name → default."""


WORDS_ELSEWHERE = {
    "lr": "learning_rate",
    "max_iter": "epochs",
    "n_estimators": "m",
    "n_jobs": "jobs",
    "random_state": "seed",
}
"""What scikit-learn and PyTorch call some of them."""


OF_BUILD_ALONE = {
    "out", "control", "small_team", "unpruned_from", "config", "dry_run", "tensorboard",
} | {setting.name for setting in settings_of(Placement)} - {"jobs"}  # fmt: skip
"""Options of `ensemble build` that a class has no use for: of its files, place and controls."""


def check_names(names: Iterable[str]) -> None:
    """Raise `RequestError` for the first name that no parameter has."""
    for name in names:
        if name in _OF_DATA:
            raise RequestError(f"{name!r} is no parameter: samples and labels are given to `fit`")
        if name in OF_BUILD_ALONE:
            raise RequestError(f"{name!r} is no parameter: it belongs to `ensemble build` alone")
        if name not in DEFAULTS:
            raise unknown_name("parameter", name, DEFAULTS, synonyms=WORDS_ELSEWHERE)


def config_of(given: Mapping[str, Any]) -> BuildConfig:
    """Return the configuration that parameters ask for; others than options are left unread.

    Raises
    ------
    RequestError
        For a value that is not allowed; the message names it as the parameter is named.
    """
    for setting in SETTINGS:
        _check_given(setting, given[setting.name])
    try:
        return BuildConfig.of(**{setting.name: given[setting.name] for setting in SETTINGS})
    except RequestError as error:
        raise RequestError(_by_parameter(str(error))) from None


def placement_of(jobs: object) -> Placement:
    """Return where groups of runs are computed, so many at a time; -1 is one per core.

    Raises
    ------
    RequestError
        For what is no such number.
    """
    try:
        if jobs is not None:
            every = isinstance(jobs, int) and jobs == EVERY_CORE
            return Placement(jobs=None if every else jobs)  # type: ignore[arg-type]
    except RequestError:
        pass
    shown = repr(jobs) if isinstance(jobs, str) else f"{jobs}"
    raise RequestError(
        f"`jobs` {shown}: allowed 1 to {usable_cores()}, this machine's cores, and {EVERY_CORE}, "
        f"one per core; the default is {DEFAULTS['jobs']}"
    )


def _check_given(setting: Setting, value: Any) -> None:
    """Refuse None and an empty tuple, which the flat list of options takes for nothing given."""
    empty = value is None or (isinstance(value, tuple) and not value)
    if empty and setting.default not in (None, ()):
        allowed = setting.allowed or "a text that is not empty"
        raise RequestError(
            f"`{setting.name}` {value}: allowed {allowed}; the default is {setting.default_text}"
        )


def _by_parameter(message: str) -> str:
    """Return an error of the settings, its fields called what the parameters are called."""
    names = {setting.field: setting.name for setting in SETTINGS}
    return re.sub(r"`(\w+)`", lambda found: f"`{names.get(found[1], found[1])}`", message)
