"""``ensemble verify``: is an ensemble whole, and is it the one that was meant?"""

from __future__ import annotations

from pathlib import Path

import click

from ensemble.fingerprint import check_expected, fingerprint
from ensemble.storage.contents import check_product
from ensemble.storage.folder import onnx_file
from pipelines.run.choice_files import choice_fingerprint, is_choice, names_of
from pruning.core.plain_text import plain


def run_verify(*, source: str, expect: str | None) -> None:
    """Check every file against its checksum, and the whole against `expect`; say its SHA-256.

    What a choice from predictions covers, which has no networks, is said on standard error.
    """
    place = Path(source)
    file = onnx_file(place)
    if file is not None:
        check_product(file)
    chosen = is_choice(place) and file is None  # else the team is in one file
    found = check_expected(place, choice_fingerprint if chosen else fingerprint, expect)
    click.echo(plain(f"{found}  {source}"))
    if chosen:
        covered = ", ".join(names_of(place))
        click.echo(
            plain(
                f"{source} is a choice from predictions, without networks: its choice.json, which "
                f"has this SHA-256, names {covered}, and all are as they were written; what "
                "`ensemble compare` wrote is not covered"
            ),
            err=True,
        )
