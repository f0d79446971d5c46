"""A finished run → the `Evidence` that comparison and report read."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ensemble.artefact import check_folder
from pipelines.build.story import load_data
from pipelines.compare.evidence import Evidence, MemberRecord
from pipelines.compare.forms import Extras, bring
from pipelines.run.directory import RunDirectory
from pipelines.run.fingerprint import data_fingerprint, part_fingerprint
from pipelines.run.member_files import History, Stored
from pipelines.run.member_ids import member_id
from pipelines.run.predictions import pool_rows, predicted
from pruning.core.errors import DamagedRunError, RequestError
from pruning.data.splits import Split, Splits
from selection.exchange import candidates_from_csv
from selection.team import Selection


class Gathered(NamedTuple):
    """All that a comparison of one run is made from."""

    evidence: Evidence
    extras: Extras
    splits: Splits


def gather(run: RunDirectory) -> Evidence:
    """Return all that a run recorded; the first call reads the test set and keeps predictions.

    Raises
    ------
    RequestError
        If the run is not finished, or its data are no longer what they were.
    DamagedRunError
        If a stored network is not what was written, whether its predictions are kept or not.
    """
    return _gather(run, stored_selection(run), splits_of(run))


def gather_all(run: RunDirectory) -> Gathered:
    """Return what a run recorded, who is brought along, and its data; see `gather`."""
    splits = splits_of(run)
    evidence = _gather(run, stored_selection(run), splits)
    return Gathered(evidence, bring(run, evidence, splits), splits)


def splits_of(run: RunDirectory) -> Splits:
    """Return the data a run was built from; a RequestError if they have changed."""
    root = run.root
    splits = load_data(root.config).splits
    if data_fingerprint(splits) != root.fingerprint:
        raise RequestError(
            f"{run.path} was built from other data than {root.config.data.data!r} holds now; "
            "bring the data back, or build again"
        )
    return splits


def _gather(run: RunDirectory, selection: Selection, splits: Splits) -> Evidence:
    run.check_members()
    if run.ensemble_folder.is_dir():
        try:
            check_folder(run.ensemble_folder)
        except RequestError as error:
            raise DamagedRunError(f"{error}; give the `ensemble build` command again") from error
    root = run.root
    kappa = root.config.dropnet.kappa
    histories = list(run.histories())
    every = {member_id(h.run, e.round): (h.run, e.round) for h in histories for e in h.rounds}
    rows = sorted({*pool_rows(run, "mixed"), *(every[name] for name in selection.team)})
    return Evidence(
        name=run.path.resolve().name,
        config=root.to_json(),
        classes=tuple(str(name) for name in root.classes),
        split_sizes=root.split_sizes,
        members=tuple(
            _record(history, entry, history.handed_on(kappa))
            for history in histories
            for entry in history.rounds
        ),
        select=predicted(run, rows, "select", splits.select, device=root.device),
        test=predicted(run, rows, "test", splits.test, device=root.device),
        selection=selection,
        test_images=_pictures(splits.test),
        test_sha256=part_fingerprint(splits.classes, "test", splits.test),
    )


def stored_selection(run: RunDirectory) -> Selection:
    """Return the selection of a finished run, with its candidates."""
    if not run.selection_file.is_file():
        raise RequestError(
            f"{run.path} has no selection.json; give the `ensemble build` command again to go on"
        )
    content = run.sealed(run.selection_file)
    try:
        candidates = candidates_from_csv(run.candidates_file.read_text("utf-8"))
    except (OSError, ValueError, IndexError) as error:
        raise DamagedRunError(
            f"{run.candidates_file} cannot be read ({error}); "
            "give the `ensemble build` command again to choose again"
        ) from error
    return Selection.from_json(content, candidates)


def _pictures(split: Split) -> NDArray[np.uint8] | None:
    return split.images.astype(np.uint8, copy=False) if split.images.ndim == 4 else None


def _record(history: History, entry: Stored, handed_on: Stored) -> MemberRecord:
    return MemberRecord(
        run=history.run,
        round=entry.round,
        arch=history.arch,
        seed=history.seed,
        remaining=entry.remaining,
        val_accuracy=entry.val_accuracy,
        epochs=len(entry.epochs),
        cost=entry.cost,
        widths=entry.widths,
        handed_on=entry.round == handed_on.round,
        collapsed=entry.collapsed,
    )
