"""Bad calls of the library's Python API, drawn at random."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import hostile
import numpy as np
import torch

import dropnet_ensemble as de
import ensemble

SAMPLES = np.zeros((3, *hostile.SAMPLE), np.uint8)

TYPED = (ValueError, TypeError, AttributeError, OSError)
"""What Python's users expect of a wrong value, kind, name or file; or `RequestError`, the first."""

ODD: tuple[Any, ...] = (
    None, {}, {"a": 1}, set(), b"x", object(), "missing.png", float("nan"), -1, 0, 1.5, [None],
    [[]], [{}], ["missing.png"], np.array("x"), np.full((3, 3), np.nan), np.zeros((0, 2)),
    np.zeros((2, 5, 5)), np.zeros(3, object), np.full((3, *hostile.SAMPLE), 300),
    torch.zeros(2, 2), lambda: 0, True, 10**30, "x" * 5000, "\x1b[2J", [1, "a"], range(3),
)  # fmt: skip

FIELDS = (
    "m", "s", "epochs", "batch_size", "learning_rate", "keep", "kappa", "metric", "method", "arch",
    "voting", "seed", "engine", "optimizer", "schedule", "no_such", "data", "measure", "device",
)  # fmt: skip


def python_requests(rng: random.Random) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield bad calls without end, each with what it is called."""
    team = ensemble.load(hostile.KEPT / "team")
    kinds: dict[str, Callable[[Any, str], Any]] = {
        "proba": lambda x, _: team.predict_proba(x),
        "members": lambda x, _: team.predict_members(x),
        "score": lambda x, _: team.score(SAMPLES, x),
        "weights": lambda x, _: team.score(SAMPLES, team.predict(SAMPLES), [x] * 3),
        "params": lambda x, which: team.set_params(**{which: x}),
        "load": lambda x, _: ensemble.load(x),
        "arrays": lambda x, _: de.Splits.from_arrays(x, np.arange(3)),
        "config": lambda x, field: de.BuildConfig.of(**{field: x}),
        "select": lambda x, _: de.select(x, np.arange(3), size=2),
        "ensemble": lambda x, _: de.Ensemble(x, classes=[0, 1], input_shape=(3,)),
        "fit": lambda x, _: de.DropNetEnsembleClassifier(m=2, s=1).fit(x, np.arange(3)),
    }
    while True:
        row, kind = rng.randrange(len(ODD)), rng.choice(sorted(kinds))
        which = ("batch_size", "device", "cascade") if kind == "params" else FIELDS
        field = rng.choice(which) if kind in ("params", "config") else ""
        x = ODD[row]
        if not _means(kind, field, x):
            shown = " ".join(repr(x)[:40].split())
            yield f"{kind} {field} {row} {shown}", lambda k=kind, f=field, x=x: kinds[k](x, f)


def _means(kind: str, field: str, x: Any) -> bool:
    """Whether a value is a good one there."""
    number = isinstance(x, int | float) and x >= 0
    return (
        (kind == "weights" and number and x > 0)
        or (kind == "fit" and isinstance(x, np.ndarray) and x.shape == SAMPLES.shape)
        or (kind == "config" and isinstance(x, str) and field in ("data", "arch"))
        or (kind == "config" and x is None)  # asks for the default
    )  # fmt: skip
