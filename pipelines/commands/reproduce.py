"""``ensemble reproduce``: published claims made again, with intervals."""

from __future__ import annotations

import time
from pathlib import Path

import click

from pipelines.build.device import devices_for
from pipelines.reproduction.budget import USUAL_BLOCK, Budget
from pipelines.reproduction.claims import CLAIMS
from pipelines.reproduction.reading import PAGE, write_page, write_table
from pipelines.reproduction.running import Source, reproduce
from pipelines.run.places import check_folder
from pruning.core.errors import RequestError, unknown_name

ALL = "all"


def run_reproduce(
    *,
    names: tuple[str, ...],
    list_names: bool,
    parts: tuple[str, ...],
    seeds: int | None,
    budget: str,
    time_limit: float | None,
    block: int | None,
    images: Path | None,
    data_dir: str | None,
    out: str | None,
    device: str,
    jobs: int,
) -> None:
    """Make the runs that are missing, and write each claim's page and the table of all."""
    if list_names or not names:
        click.echo(listing())
        return
    chosen = CLAIMS.names() if names == (ALL,) else names
    _check(chosen, parts)
    quick = budget == "quick"
    spent = Budget(
        quick, seeds, None if time_limit is None else 60 * time_limit, block or USUAL_BLOCK
    )
    usual = Path("results") / ("reproduction-quick" if quick else "reproduction")
    folder = Path(out) if out else usual
    check_folder(folder, "out")
    source = Source(Path(data_dir) if data_dir else None, images, devices_for(device).first)
    started = time.monotonic()
    for name in chosen:
        reproduce(
            CLAIMS[name], folder / name, spent, source,
            parts=parts, jobs=jobs, tell=_tell, started=started,
        )  # fmt: skip
        write_page(name, CLAIMS[name], folder / name, quick=quick)
        click.echo(str(folder / name / PAGE))
    write_table({name: CLAIMS[name] for name in CLAIMS}, folder, quick=quick)


def listing() -> str:
    """Return a line for each claim and its figures."""
    lines = []
    for name in CLAIMS:
        claim = CLAIMS[name]
        parts = [f"{figure.name} ({figure.published})" for figure in claim.figures]
        shown = ", ".join([*parts, *(study.name for study in claim.studies)])
        lines += [f"{name}{'  [takes a card]' if claim.card else ''}", f"    {claim.title}",
                  f"    {shown}"]  # fmt: skip
    return "\n".join(lines)


def _check(names: tuple[str, ...], parts: tuple[str, ...]) -> None:
    known = {part for name in names for part in CLAIMS[name].parts}
    for part in parts:
        if part not in known:
            raise unknown_name("part", part, known)
    if len(names) != len(set(names)):
        raise RequestError(f"`names` {' '.join(names)} has one of them twice; name each once")


def _tell(line: str) -> None:
    click.echo(line, err=True)
