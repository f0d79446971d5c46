"""Evidence of a run that never happened, in any size, with the regularities of a real one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import (
    CASCADE,
    INT8,
    ONNX,
    Contender,
    OtherForms,
)
from pipelines.compare.evidence import Evidence
from pipelines.compare.from_evidence import comparison_of
from pipelines.compare.measurements import Measurements
from pipelines.run.control_files import CONTROL, SMALL_TEAM
from pipelines.run.records import RoundRecord
from pruning.inference.cost import Cost
from selection.choosing import select_team
from selection.pool import PoolPredictions

ROUNDS = 6
WIDTHS = (64, 64, 128, 128)


def synthetic_evidence(
    members: int = 20,
    size: int = 5,
    classes: int = 10,
    samples: int = 1000,
    *,
    images: bool = True,
    seed: int = 0,
    loss_by_pruning: float = 0.1,
    method: str = "hq",
    name: str = "synthetic",
) -> Evidence:
    """Return evidence of `members` runs; samples differ in difficulty, members in skill."""
    rng = np.random.default_rng(seed)
    records = tuple(
        _record(run, k, rng, loss_by_pruning) for run in range(members) for k in range(ROUNDS)
    )
    handed_on = tuple(m for m in records if m.round == ROUNDS - 2)
    shown = [m for m in records if m.round == 0 or m in handed_on]
    ids = tuple(m.id for m in shown)
    skill = np.array([2.2 - loss_by_pruning * m.round for m in shown])
    labels = np.arange(2 * samples) % classes
    rng.shuffle(labels)
    probabilities = _probabilities(labels, classes, skill, rng)
    select = PoolPredictions(probabilities[:, :samples], labels[:samples], ids, "select")
    test = PoolPredictions(probabilities[:, samples:], labels[samples:], ids, "test")
    pool = select.rows(tuple(m.id for m in handed_on))
    return Evidence(
        name=name,
        config={"data": "synthetic", "seed": seed, "versions": {"numpy": np.__version__}},
        classes=tuple(f"class {c}" for c in range(classes)),
        split_sizes={"train": 8 * samples, "val": samples, "select": samples, "test": samples},
        members=records,
        handed_on=handed_on,
        select=select,
        test=test,
        selection=select_team(pool, method, size),
        test_images=_images(test.labels, rng) if images else None,
    )


def _record(run: int, k: int, rng: np.random.Generator, loss: float) -> RoundRecord:
    left = 0.7**k
    widths = {
        f"conv{i}": (max(1, round(w * left * rng.uniform(0.8, 1.2))) if k else w, w)
        for i, w in enumerate(WIDTHS)
    }
    return RoundRecord(
        run=run, round=k, arch="conv-c", seed=run, remaining=left, baseline_accuracy=0.9,
        val_accuracy=float(0.9 - 0.02 * loss * k**2 + rng.normal(0, 0.01)),
        cost=Cost(int(80e6 * left**2), int(2e6 * left**1.5), int(8e6 * left**1.5), int(5e5 * left)),
        widths=widths, collapsed=run == 1 and k == ROUNDS - 1,
    )  # fmt: skip


def _probabilities(
    labels: NDArray[np.int64], classes: int, skill: NDArray[np.float64], rng: np.random.Generator
) -> NDArray[np.float32]:
    rows = np.arange(len(labels))
    shared = rng.normal(size=(len(labels), classes)).astype(np.float32)
    hardness = rng.exponential(0.6, len(labels))
    found = np.empty((len(skill), len(labels), classes), np.float32)
    for m, strength in enumerate(skill):
        logits = shared + rng.normal(0, 0.8, shared.shape).astype(np.float32)
        logits[rows, labels] += np.log(classes) + strength * (1.5 - hardness)
        odds = np.exp(1.5 * (logits - logits.max(1, keepdims=True)))
        found[m] = odds / odds.sum(1, keepdims=True)
    return found


def _images(labels: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Rings and bars whose size follows the class, in noise."""
    y, x = np.mgrid[-1:1:16j, -1:1:16j]
    radius = np.hypot(x, y)
    rings = np.exp(-((radius - (labels % 10)[:, None, None] / 10) ** 2) / 0.02)
    noisy = 220 * rings + rng.normal(0, 15, rings.shape)
    return noisy.clip(0, 255).astype(np.uint8)[:, None]


def with_everything(evidence: Evidence) -> Comparison:
    """Return the comparison with all that can be brought along, everything measured."""
    team = evidence.test.rows(evidence.selection.team)
    voted, labels = team.probabilities.mean(0), team.labels
    cost = Cost.total(member.cost for member in evidence.team)
    forms = tuple(
        Contender.of(name, 1 if name == CONTROL else len(team.member_ids), voted, labels,
                     replace(cost, flops=cost.flops * share), temperature=0.9)
        for name, share in (
            (CONTROL, 1.02), (SMALL_TEAM, 1.01), (ONNX, 1), (INT8, 1), (CASCADE, 0.3),
        )
    )  # fmt: skip
    found = comparison_of(
        evidence, others=OtherForms(forms, ("ensemble.onnx was not compared: a note.",)),
        measured=lambda rows: {
            row.name: Measurements(1.5 * k, 20.0 * k, 5000.0 / k, 2e8 + 1e6 * k, 4e5 * k)
            for k, row in enumerate(rows, 1) if row.team or row.brought
        },
    )  # fmt: skip
    return replace(found, measured_on="Measured on a processor that is none, 1 thread each.")
