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
        test=predicted(built.store, wanted, "test", splits, built.device),
        selection=built.selection,
        test_images=_pictures(splits.test),
        test_sha256=part_fingerprint(splits.classes, "test", splits.test),
    )


def _pictures(split: Split) -> NDArray[np.uint8] | None:
    """Return images as 8-bit pixels to look at: other numbers from the least, black, to the most.

    None where samples are no images, of one or three channels.
    """
    images = split.images
    if images.ndim != 4 or images.shape[1] not in (1, 3):
        return None
    if images.dtype == np.uint8:
        return images.astype(np.uint8, copy=False)
    low, high = float(images.min()), float(images.max())
    return ((images - low) * (255 / ((high - low) or 1.0))).astype(np.uint8)
