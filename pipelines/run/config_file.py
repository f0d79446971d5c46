"""A configuration from a file: the ``config.json`` of a run, or what somebody made of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ensemble.storage.contents import CONFIG
from ensemble.storage.sealed import CHECKSUM, parse_json
from pipelines.run.config import BuildConfig
from pipelines.run.resolved import ASKED, SETTLED
from pruning.core.errors import RequestError, unknown_name
from pruning.core.settings_tree import settings_of


@dataclass(frozen=True)
class ReadConfig:
    """What a file asks for.

    Attributes
    ----------
    config
        The configuration.
    remarks
        A line for what it leaves out and is not today's default: an option that is newer than
        the file means what was done before there was one.
    """

    config: BuildConfig
    remarks: tuple[str, ...] = ()


def read_config(path: Path) -> ReadConfig:
    """Return what the ``config.json`` of a run asks for, edited or not.

    Its checksum is not looked at: it is read as a request, whoever wrote it. A run's folder is
    taken for the file in it, and what is left out has its default.

    Raises
    ------
    RequestError
        If it cannot be read, is no JSON object, has a field that does not exist, or a value that
        is not allowed; one line that names the file.
    """
    path = path / CONFIG if path.is_dir() else path
    try:
        asked = _asked(path)
        config = BuildConfig.from_json(asked)
    except RequestError as error:
        raise RequestError(f"`config` {path}: {error}") from error
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise RequestError(
            f"`config` {path}: not as a run writes it ({type(error).__name__}: {error}); start "
            "from the config.json of a run"
        ) from error
    return ReadConfig(config, _remarks(path, asked, config))


def _asked(path: Path) -> dict[str, Any]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise RequestError(
            f"cannot be read ({error.strerror}); give the config.json of a run"
        ) from error
    try:
        content = parse_json(data, str(path))
    except RequestError as error:
        raise RequestError(f"is no JSON object ({error.__cause__ or error})") from error
    known = (ASKED, *SETTLED, CHECKSUM)
    if strange := sorted(content.keys() - {*known}):
        raise unknown_name("field", strange[0], known)
    asked = content.get(ASKED)
    if not isinstance(asked, dict):
        raise RequestError(f"has no object {ASKED!r}; give the config.json of a run")
    return asked


def _remarks(path: Path, asked: Mapping[str, Any], config: BuildConfig) -> tuple[str, ...]:
    found = []
    for setting in settings_of(BuildConfig):
        if setting.preset is True or _stands(asked, setting.path):
            continue
        value: Any = config
        for field in setting.path:
            value = getattr(value, field)
        if value != setting.usual:
            found.append(f"`{setting.name}` {value}")
    told = f"{path} is older than some options, which are as before there were any: "
    return (told + ", ".join(found),) if found else ()


def _stands(content: object, path: tuple[str, ...]) -> bool:
    for field in path:
        if not isinstance(content, Mapping) or field not in content:
            return False
        content = content[field]
    return True
