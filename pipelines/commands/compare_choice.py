"""``ensemble compare`` of a choice from predictions: on samples that it has not seen, or not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

from pipelines.commands.choice_text import expected
from pipelines.compare.of_predictions import compare_choice
from pipelines.report.predictions_report import PredictionsReport
from pipelines.run.choice_files import Choice, keep_test, read_choice
from pruning.core.errors import RequestError
from selection.given import read_test


def compared(folder: Path, test: Path | None = None, *, seed: int = 0) -> PredictionsReport:
    """Compare the choice in a folder with its rivals; test predictions that are given are kept.

    Raises
    ------
    RequestError
        If there are no predictions on samples that the choice has not seen: the error says
        what to expect of the team nevertheless.
    """
    choice = read_choice(folder)
    if test is not None:
        held_out = read_test(test, choice.select, choice.classes)
        choice = dataclasses.replace(choice, test=held_out)
    if choice.test is None:
        raise RequestError(_nothing_unseen(choice, folder))
    report = compare_choice(choice, choice.test, seed=seed, name=folder.resolve().name)
    if test is not None:
        keep_test(choice, folder)
    return PredictionsReport.of(report)


def _nothing_unseen(choice: Choice, folder: Path) -> str:
    """Return why nothing is compared, the way out, and the estimate that there is."""
    known = expected(choice.selection) or "how far they flatter it was not estimated"
    return (
        f"{folder} holds predictions on the {len(choice.select.labels)} samples that chose the "
        "team, which flatter it, and on no others: no comparison on unseen samples is possible; "
        "give others with `test`, or as test_probabilities and test_labels in the file that "
        f"`ensemble select` reads, X_test and y_test in that of `ensemble combine`; {known}"
    )
