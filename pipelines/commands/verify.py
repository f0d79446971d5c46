"""``ensemble verify``: is an ensemble whole, and is it the one that was meant?"""

from __future__ import annotations

from pathlib import Path

import click

from ensemble.fingerprint import fingerprint
from pruning.core.errors import RequestError
from pruning.core.plain_text import plain

DIGITS = 64


def run_verify(*, source: str, expect: str | None) -> None:
    """Check every file against its checksum, and the whole against `expect`; say its SHA-256."""
    wanted = None if expect is None else expect.strip().lower().removeprefix("sha256:")
    if wanted is not None and (len(wanted) != DIGITS or set(wanted) - set("0123456789abcdef")):
        raise RequestError(
            f"`expect` {expect!r}: allowed are the {DIGITS} hexadecimal digits that "
            "`ensemble verify` says where the ensemble was made"
        )
    found = fingerprint(Path(source))
    if wanted not in (None, found):
        raise RequestError(
            f"{source} has SHA-256 {found}, not {wanted}: it is another ensemble; do not use it, "
            "ask whoever made it"
        )
    click.echo(plain(f"{found}  {source}"))
