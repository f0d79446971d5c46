"""A finished build → the `Evidence` that comparison and report read."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pipelines.build.built import Built
from pipelines.build.predicting import predicted
from pipelines.compare.evidence import Evidence
from pipelines.run.fingerprint import part_fingerprint
from pruning.data.splits import Split


def gather(built: Built) -> Evidence:
    """Return all that a build knows of itself.

    The first call for a run reads its test set, and the run keeps the predictions.
    """
    resolved, splits = built.store.resolved, built.splits
    unpruned = (history.rounds[0] for history in built.histories)
    wanted = (*unpruned, *built.handed_on, *built.team)
    return Evidence(
        name=built.store.name,
        config=resolved.to_json(),
        classes=tuple(str(name) for name in resolved.classes),
        split_sizes=resolved.split_sizes,
        members=built.records,
        handed_on=built.handed_on,
        select=built.predictions,
        test=predicted(built.store, wanted, "test", splits),
        selection=built.selection,
        test_images=_pictures(splits.test),
        test_sha256=part_fingerprint(splits.classes, "test", splits.test),
    )


def _pictures(split: Split) -> NDArray[np.uint8] | None:
    return split.images.astype(np.uint8, copy=False) if split.images.ndim == 4 else None
