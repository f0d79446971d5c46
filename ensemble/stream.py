"""Predictions as a stream of records, and records as lines of CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from ensemble.classifier import Classifier
from ensemble.reading.inputs import AsStored
from ensemble.reading.sources import Batch, Failure, check_sources, read_batches
from ensemble.uncertainty import uncertainty
from pruning.core.array_values import ArrayValue
from pruning.core.plain_text import plain

_DIGITS = 7
"""Decimals of a probability: what float32 holds."""


@dataclass(frozen=True)
class MemberVote:
    """What one member says of a sample: its first class and that class's probability."""

    member: str
    label: int | str
    probability: float


@dataclass(frozen=True, eq=False)
class Record(ArrayValue):
    """The prediction of one sample.

    Attributes
    ----------
    source
        The file, or ``array[row]``.
    label
        The team's class.
    probabilities
        (C,) float32 in the order of ``classes_``.
    votes
        Each member's vote, where asked for.
    agreement, mutual_information
        See `ensemble.uncertainty`; None unless asked for.
    """

    source: str
    label: int | str
    probabilities: NDArray[np.float32]
    votes: tuple[MemberVote, ...] = ()
    agreement: float | None = None
    mutual_information: float | None = None


def predict_stream(
    model: Classifier,
    sources: Iterable[str],
    *,
    explain: bool = False,
    stdin: BinaryIO | None = None,
) -> Iterator[Record | Failure]:
    """Yield the prediction of every sample in the sources, in order; one batch in memory.

    Parameters
    ----------
    model
        A loaded ensemble; its ``batch_size`` is used.
    sources
        See `ensemble.reading.sources.read_batches`.
    explain
        Give each member's vote, their agreement and mutual information too.
    stdin
        What the source ``-`` reads.

    Raises
    ------
    RequestError
        Before the first prediction, if a source does not exist or cannot hold samples.
        What turns out to be unreadable later is yielded as a `Failure`.
    """
    named = tuple(sources)
    shape = model.description.input_shape
    reading = model.description.scaling.reading
    check_sources(named, shape, reading)
    for batch in read_batches(named, shape, model.batch_size, stdin, reading):
        yield from records(model, batch, explain=explain)
        yield from batch.failures


def records(model: Classifier, batch: Batch, *, explain: bool = False) -> Iterator[Record]:
    """Yield the prediction of each sample of one batch."""
    if not batch.names:
        return
    samples = AsStored(batch.samples)
    if not explain:
        classes = model.classes_.tolist()
        for name, row in zip(batch.names, model.predict_proba(samples), strict=True):
            yield Record(name, classes[int(row.argmax())], row)
        return
    yield from records_of(model, batch.names, model.predict_members(samples))


def records_of(
    model: Classifier, sources: Sequence[str], members: NDArray[np.float32]
) -> Iterator[Record]:
    """Yield explained records of the members' (S, N, C) probabilities of N named samples."""
    classes = model.classes_.tolist()
    team = model.combine(members)
    doubt = uncertainty(members, team.argmax(-1))
    names = [member.name for member in model.description.members]
    for i, source in enumerate(sources):
        firsts = members[:, i].argmax(-1)
        yield Record(
            source, classes[int(team[i].argmax())], team[i],
            tuple(
                MemberVote(member, classes[int(first)], float(members[s, i, first]))
                for s, (member, first) in enumerate(zip(names, firsts, strict=True))
            ),
            float(doubt.agreement[i]), float(doubt.mutual_information[i]),
        )  # fmt: skip


def csv_header(model: Classifier, *, explain: bool = False) -> str:
    """Return the first line of the CSV: source, class, ``p:<class>``…, ``vote:<member>``…."""
    cells = ["source", "class", *(f"p:{label}" for label in model.classes_.tolist())]
    if explain:
        cells += ["agreement", "mutual_information"]
        cells += [f"vote:{member.name}" for member in model.description.members]
    return _csv_line(cells)


def csv_line(record: Record) -> str:
    """Return a record as a line of CSV, without its end."""
    cells: list[object] = [record.source, record.label, *_rounded(record.probabilities)]
    if record.agreement is not None:
        cells += [_round(record.agreement), _round(record.mutual_information)]
        cells += [vote.label for vote in record.votes]
    return _csv_line(cells)


def json_line(record: Record, model: Classifier) -> str:
    """Return a record as one line of JSON, without its end."""
    content = record_content(record, model)
    line = json.dumps(content, ensure_ascii=False)
    return line if line.isprintable() else json.dumps(content)


def record_content(record: Record, model: Classifier) -> dict[str, object]:
    """Return a record as plain JSON values; classes are keys as text."""
    labels = map(str, model.classes_.tolist())
    content: dict[str, object] = {
        "source": record.source,
        "class": record.label,
        "probabilities": dict(zip(labels, _rounded(record.probabilities), strict=True)),
    }
    if record.agreement is not None:
        content["agreement"] = _round(record.agreement)
        content["mutual_information"] = _round(record.mutual_information)
        content["members"] = {
            vote.member: {"class": vote.label, "probability": _round(vote.probability)}
            for vote in record.votes
        }
    return content


def _rounded(values: NDArray[np.float32]) -> list[float]:
    return [round(float(value), _DIGITS) for value in values]


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, _DIGITS)


def _csv_line(cells: Iterable[object]) -> str:
    line = io.StringIO()
    harmless = (plain(cell) if isinstance(cell, str) else cell for cell in cells)
    csv.writer(line, lineterminator="\r\n").writerow(harmless)
    return line.getvalue().removesuffix("\r\n")
