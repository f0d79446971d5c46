"""Functions of the user's own are called with every event of a build."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from pipeline_support import tiny_config, write_images

from pipelines.build.progress import EpochDone, Event, RoundDone
from pipelines.build.story import build
from pipelines.estimator import DropNetEnsembleClassifier


def test_every_round_and_epoch_of_every_run_is_told(tmp_path: Path) -> None:
    told: list[Event] = []
    built = build(tiny_config(write_images(tmp_path / "tiny.npz")), on_event=told.append)

    rounds = {
        (run, event.round): (remaining, accuracy)
        for event in told
        if isinstance(event, RoundDone)
        for run, remaining, accuracy in zip(
            event.runs, event.remaining, event.val_accuracy, strict=True
        )
    }
    assert rounds == {
        (history.run, one.round): (one.remaining, one.val_accuracy)
        for history in built.histories
        for one in history.rounds
    }
    epochs = sum(len(one.epochs) for history in built.histories for one in history.rounds)
    assert sum(event.runs for event in told if isinstance(event, EpochDone)) == epochs


def test_a_function_that_fails_is_named_once_and_the_build_goes_on(tmp_path: Path) -> None:
    calls: list[Event] = []

    def draw(event: Event) -> None:
        calls.append(event)
        raise ValueError("no screen")

    with pytest.warns(UserWarning, match=r"draw failed and is not called again: .*no screen"):
        built = build(tiny_config(write_images(tmp_path / "tiny.npz")), on_event=draw)
    assert len(calls) == 1
    assert built.selection.team


def test_fit_calls_it_and_fits_the_same() -> None:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 200)
    X = rng.normal(size=(200, 5)) + y[:, None]
    told: list[Event] = []
    estimators = [DropNetEnsembleClassifier(m=2, s=1, arch="mlp-a:6-5", epochs=2) for _ in "ab"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimators[0].fit(X, y, on_event=told.append)
        estimators[1].fit(X, y)

    assert {run for event in told if isinstance(event, RoundDone) for run in event.runs} == {0, 1}
    assert np.array_equal(estimators[0].predict_proba(X), estimators[1].predict_proba(X))
