"""Do the intervals cover the truth, and do the tests keep their promise?

A population of labelled predictions of two networks is made, of a calibrated and of an
overconfident kind. Test sets are drawn from it with replacement, so its own means are the
truth, and it holds every sample with the two networks swapped, so they are exactly equally
accurate. Each interval and test then says what it says of each test set.

    python benchmarks/comparison/coverage.py [--draws 4000] [--samples 2000]
"""

from __future__ import annotations

import argparse
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipelines.compare.bootstrap import bootstrap_t, paired_bootstrap
from pipelines.compare.interval import Interval
from pipelines.compare.mean_intervals import Z, balanced_interval, share_interval
from pipelines.compare.probability_scores import score
from pipelines.compare.significance import holm, mcnemar

CLASSES, POPULATION, BATCH = 10, 100_000, 100
KINDS = {"calibrated": 1.0, "overconfident": 3.0}
COVERED = ("accuracy", "accuracy, mean of two", "balanced accuracy", "log loss", "Brier score",
           "difference in accuracy")  # fmt: skip
RIVALS = ("log loss, normal", "Brier score, normal")
TESTS = ("McNemar", "paired bootstrap", "any of 12, McNemar with Holm")
Population = dict[str, NDArray[np.float64]]


def population(sharpness: float, rng: np.random.Generator) -> Population:
    """Return the sample scores of two networks, each sample in both orders."""
    labels = rng.choice(CLASSES, POPULATION, p=np.arange(1, CLASSES + 1) / 55)
    shared = rng.normal(size=(POPULATION, CLASSES))
    shared[np.arange(POPULATION), labels] += 2.5 + rng.normal(size=POPULATION)
    scores = []
    for _ in range(2):
        logits = 1.5 * shared + rng.normal(size=shared.shape)
        odds = np.exp(sharpness * (logits - logits.max(1, keepdims=True)))
        scores.append(score((odds / odds.sum(1, keepdims=True)).astype(np.float32), labels))
    both = {"labels": [labels, labels]}
    for name in ("correct", "log_loss", "brier"):
        first, second = (getattr(one, name) for one in scores)
        both[name] = [first, second]
        both[f"other {name}"] = [second, first]
    return {name: np.concatenate(parts) for name, parts in both.items()}


def truths(people: Population) -> dict[str, float]:
    """Return what each interval should cover."""
    accuracy = float(people["correct"].mean())
    labels = people["labels"].astype(np.int64)
    balanced = np.bincount(labels, people["correct"]) / np.bincount(labels)
    loss, brier = float(people["log_loss"].mean()), float(people["brier"].mean())
    values = (accuracy, accuracy, float(balanced.mean()), loss, brier, 0.0, loss, brier)
    return dict(zip((*COVERED, *RIVALS), values, strict=True))


def batch(
    people: Population, truth: dict[str, float], rng: np.random.Generator, draws: int, samples: int
) -> Counter[str]:
    """Return how many test sets' intervals covered the truth, and whose tests cried wolf.

    The losses of all test sets are bootstrapped in one call: every column has its own
    samples, and all see the same resampling weights.
    """
    rows = rng.integers(len(people["labels"]), size=(draws, samples))
    sets = [{name: values[row] for name, values in people.items()} for row in rows]
    losses = [one[name] for one in sets for name in ("log_loss", "brier")]
    resampled = iter(bootstrap_t(np.stack(losses, 1), rng))
    found: Counter[str] = Counter()
    for one in sets:
        found.update(one_set(one, truth, (next(resampled), next(resampled)), rng))
    return found


def one_set(
    drawn: Population,
    truth: dict[str, float],
    losses: Sequence[Interval],
    rng: np.random.Generator,
) -> set[str]:
    """Return the intervals of one test set that cover, and its tests that cry wolf."""
    correct, other = drawn["correct"], drawn["other correct"]
    (paired,) = paired_bootstrap((correct - other)[:, None], rng)
    intervals = (
        share_interval(correct),
        share_interval((correct + other) / 2, 2),
        balanced_interval(correct, drawn["labels"].astype(np.int64)),
        *losses,
        paired.difference,
        normal(drawn["log_loss"]),
        normal(drawn["brier"]),
    )
    covered = {
        name
        for (name, value), interval in zip(truth.items(), intervals, strict=True)
        if interval.low <= value <= interval.high
    }
    p = mcnemar(correct == 1, other == 1)
    family = np.array([swapped_mcnemar(correct == 1, other == 1, rng) for _ in range(12)])
    alarms = (p < 0.05, paired.p < 0.05, holm(family).min() < 0.05)
    return covered | {name for name, alarm in zip(TESTS, alarms, strict=True) if alarm}


def normal(values: NDArray[np.float64]) -> Interval:
    """Return the textbook interval, mean ± 1.96 standard errors."""
    mean, half = float(values.mean()), Z * float(values.std(ddof=1)) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half)


def swapped_mcnemar(
    first: NDArray[np.bool_], second: NDArray[np.bool_], rng: np.random.Generator
) -> float:
    """Return the p-value after a coin was thrown for every sample which network is which."""
    heads = rng.random(len(first)) < 0.5
    return mcnemar(np.where(heads, first, second), np.where(heads, second, first))


def report(counts: Counter[str], draws: int, kind: str) -> list[str]:
    """Return lines of Markdown: every share with its standard error, and whether it holds."""
    lines = [f"## {kind} networks", "", "| | share | allowed | |", "|---|--:|--:|---|"]
    for name in (*COVERED, *RIVALS, *TESTS):
        share = counts[name] / draws
        error = math.sqrt(share * (1 - share) / draws)
        test = name in TESTS
        holds = share <= 0.057 if test else abs(share - 0.95) <= 0.015
        allowed = "≤ 5.7 %" if test else "95 ± 1.5 %"
        what = f"{name}: false alarms" if test else f"{name}: covered"
        verdict = "holds" if holds else "fails"
        lines.append(
            f"| {what} | {100 * share:.2f} ± {100 * error:.2f} % | {allowed} | {verdict} |"
        )
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--samples", type=int, default=2000)
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    lines = [
        "# Coverage of the intervals, false alarms of the tests",
        "",
        f"{asked.draws} test sets of {asked.samples} samples; "
        f"`python benchmarks/comparison/coverage.py --draws {asked.draws} "
        f"--samples {asked.samples}`. “Normal” is the interval that was not taken.",
        "",
    ]
    for number, (kind, sharpness) in enumerate(KINDS.items()):
        people = population(sharpness, np.random.default_rng(number))
        truth = truths(people)
        rng = np.random.default_rng((1, number))
        found: Counter[str] = Counter()
        for start in range(0, asked.draws, BATCH):
            found += batch(people, truth, rng, min(BATCH, asked.draws - start), asked.samples)
        lines += report(found, asked.draws, kind)
    print("\n".join(lines))
    if asked.out:
        asked.out.write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
