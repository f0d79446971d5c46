"""``ensemble predict``: a line a sample on standard output, as they come."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from ensemble.classifier import Classifier
from ensemble.reading.sources import Failure, count_samples
from ensemble.stream import csv_header, csv_line, json_line, predict_stream
from pipelines.run.loading import load_ensemble
from pruning.core.errors import RequestError


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
    model = load_ensemble(source, archs, device)
    if cascade:
        _switch_cascade_on(model, source, explain)
    if batch_size is not None:
        model.set_params(batch_size=batch_size)
    console = Console(stderr=True)
    failures = 0
    shown = console.is_terminal and not sys.stdout.isatty()
    bar = Progress(BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console)
    with bar if shown else Progress(disable=True) as progress:
        task = progress.add_task("", total=count_samples(inputs) if shown else None)
        results = predict_stream(
            model, inputs, explain=explain, stdin=getattr(sys.stdin, "buffer", None)
        )
        for i, result in enumerate(results):
            if i == 0 and form == "csv":
                print(csv_header(model, explain=explain))
            if isinstance(result, Failure):
                failures += not result.expected
                console.print(
                    f"ensemble: {result.source}: {result.reason}", highlight=False, markup=False,
                    soft_wrap=True,
                )  # fmt: skip
            else:
                print(csv_line(result) if form == "csv" else json_line(result, model))
            progress.advance(task)
    return 1 if failures else 0


def _switch_cascade_on(model: Classifier, source: str, explain: bool) -> None:
    if explain:
        raise RequestError("--explain runs every member, --cascade few; give one of them")
    if "cascade" not in model.get_params():
        raise RequestError(f"{source} runs every member at once; for --cascade give the run")
    model.set_params(cascade=True)
