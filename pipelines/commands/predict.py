"""``ensemble predict``: a line a sample on standard output, as they come."""

from __future__ import annotations

import os
import sys
from contextlib import nullcontext

import click

from ensemble.classifier import Classifier
from ensemble.reading.sources import Failure, count_samples
from ensemble.stream import csv_header, csv_line, json_line, predict_stream
from pipelines.commands.outcome import say_unchecked
from pipelines.run.loading import load_ensemble
from pruning.core.errors import RequestError
from pruning.core.plain_text import plain


def run_predict(
    *,
    source: str,
    inputs: tuple[str, ...],
    form: str,
    explain: bool,
    batch_size: int | None,
    device: str,
    cascade: bool,
    archs: tuple[str, ...],
) -> int:
    """Predict every sample; return 1 if something could not be read, else 0."""
    say_unchecked(source)
    model = load_ensemble(source, archs, device)
    if cascade:
        _switch_cascade_on(model, source, explain)
    if batch_size is not None:
        model.set_params(batch_size=batch_size)
    failures = 0
    results = predict_stream(
        model, inputs, explain=explain, stdin=getattr(sys.stdin, "buffer", None)
    )
    shown = _bar_is_seen()
    total = count_samples(inputs) if shown else None
    bar = click.progressbar(results, length=total, file=sys.stderr, show_pos=True)
    with bar if shown else nullcontext(results) as counted:
        for i, result in enumerate(counted):
            if i == 0 and form == "csv":
                print(csv_header(model, explain=explain))
            if isinstance(result, Failure):
                failures += not result.expected
                start = "\n" if shown else ""
                line = plain(f"ensemble: {result.source}: {result.reason}")
                click.echo(f"{start}{line}", err=True)
            else:
                print(csv_line(result) if form == "csv" else json_line(result, model))
    return 1 if failures else 0


def _bar_is_seen() -> bool:
    """Whether a bar on standard error disturbs nobody: a terminal there, and none that reads."""
    able = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
    return able and not sys.stdout.isatty()


def _switch_cascade_on(model: Classifier, source: str, explain: bool) -> None:
    if explain:
        raise RequestError("--explain runs every member, --cascade few; give one of them")
    if "cascade" not in model.get_params():
        raise RequestError(f"{source} runs every member at once; for --cascade give the run")
    model.set_params(cascade=True)
