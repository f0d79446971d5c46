"""Rounds → the pool that stands to choice, and its predictions."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from pipelines.run.member_ids import run_and_round
from pipelines.run.records import RoundRecord, RunHistory
from pipelines.run.store import Store
from pruning.core.errors import DamagedRunError
from pruning.data.splits import Splits
from pruning.inference.probabilities import predict_probabilities
from selection.pool import PoolPredictions


def pool_rounds(
    histories: Iterable[RunHistory], pool: str, kappa: float
) -> tuple[RoundRecord, ...]:
    """Return the rounds that stand to choice: pruned, unpruned, mixed or rounds.

    A run whose first pruned round fell below κ hands on its round 0.
    """
    found: dict[tuple[int, int], RoundRecord] = {}
    for history in histories:
        rounds: list[RoundRecord] = []
        if pool in ("unpruned", "mixed"):
            rounds.append(history.rounds[0])
        if pool in ("pruned", "mixed"):
            rounds.append(history.handed_on(kappa))
        if pool == "rounds":
            rounds += history.rounds
        found |= {(record.run, record.round): record for record in rounds}
    return tuple(found[key] for key in sorted(found))


def predicted(
    store: Store, rounds: Iterable[RoundRecord], split: str, splits: Splits, device: str = "cpu"
) -> PoolPredictions:
    """Return the predictions of these rounds, and any kept before, on a part of the data.

    What is missing is made, and kept.

    Parameters
    ----------
    store
        Keeps predictions.
    rounds
        Whose predictions are wanted.
    split
        ``"select"`` or ``"test"``.
    splits
        The data.
    device
        Where it is computed, by torch's name.
    """
    part, resolved = getattr(splits, split), store.resolved
    kept = store.predictions(split)
    if kept is not None and not np.array_equal(kept.labels, part.labels):
        raise DamagedRunError(
            f"the kept predictions of {store.name} are of other data than its {split} split"
        )
    known = dict(zip(kept.member_ids, kept.probabilities, strict=True)) if kept else {}
    missing = {record.id: record for record in rounds if record.id not in known}
    if kept is not None and not missing:
        return kept
    for name, record in missing.items():
        known[name] = predict_probabilities(
            record.load().network, part.images, resolved.scaling, device=device
        )
    ids = tuple(sorted(known, key=run_and_round))
    pool = PoolPredictions(np.stack([known[i] for i in ids]), part.labels, ids, split)
    store.keep_predictions(pool)
    return pool
