"""The sections without a picture: what to keep in mind, the method, how to make it again."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping

from pipelines.compare.bootstrap import RESAMPLES
from pipelines.compare.comparison import Comparison
from pipelines.compare.contenders import RANDOM_TEAMS
from pipelines.compare.probability_scores import BINS
from pipelines.compare.team_comparison import TeamComparison
from pipelines.report.contender_names import label
from pipelines.report.markup import Markup, element
from pipelines.report.number_format import percent, points, points_range, whole
from pipelines.report.section import Section
from pipelines.report.table import Table, plain_table
from pruning.data.splits import SPLIT_NAMES

_UNMEASURED = {
    "latency_1_ms": "latency at batch 1",
    "latency_128_ms": "latency at batch 128",
    "throughput": "throughput",
    "peak_process_bytes": "peak process memory",
    "disk_bytes": "bytes on disk",
}


def caveats(comparison: Comparison) -> Section:
    """Return what speaks against taking the numbers at face value."""
    said = [
        _select_test_gap(comparison),
        _collapsed(comparison),
        *_epochs_seen(comparison),
        *_untried(comparison),
        _unmeasured(comparison),
        _splits(comparison),
        *([comparison.measured_on] if comparison.measured_on else []),
        *comparison.notes,
    ]
    text = (
        "A contender chosen by its accuracy on the selection split looks better there than it is. "
        "Only the test split counts, which no choice has seen."
    )
    return Section(
        "What to keep in mind", text, table=select_test_table(comparison), more=listed(said)
    )


def select_test_table(comparison: TeamComparison) -> Table:
    """Return the accuracy of every chosen contender where it was chosen and where it was tested."""
    rows = [
        (label(comparison.row(name)), percent(comparison.row(name).select_accuracy or 0.0),
         percent(comparison.row(name).accuracy.value), points(gap.value), points_range(gap))
        for name, gap in comparison.select_test_gap.items()
    ]  # fmt: skip
    headings = ("Contender", "On select", "On test", "Select − test, points", "95\u202f% interval")
    return plain_table("Accuracy where it was chosen and where it was tested", headings, rows)


def listed(said: Iterable[str]) -> Markup:
    """Return sentences as a list."""
    return element("ul", *(element("li", words) for words in said), class_="notes")


def _select_test_gap(comparison: Comparison) -> str:
    gap = comparison.select_test_gap[comparison.selected.contender]
    selected = comparison.selected
    return (
        "Gap between selection and test: the selected team reached "
        f"{percent(selected.select_accuracy or 0.0)} "
        f"on the selection split and {percent(selected.accuracy.value)} on test, a gap of "
        f"{points(gap.value)} points (95\u202f% interval {points_range(gap)})."
    )


def _collapsed(comparison: Comparison) -> str:
    lost = [m for m in comparison.members if m.collapsed]
    if not lost:
        return "Collapsed members: none; every network learned more than chance."
    names = ", ".join(f"run {m.run} round {m.round}" for m in lost[:20])
    more = f" and {len(lost) - 20} more" if len(lost) > 20 else ""
    in_team = [m.id for m in lost if m in comparison.chosen.members]
    chosen = f" Of the selected team: {', '.join(in_team)}." if in_team else ""
    return f"Collapsed members, which learned no more than chance: {names}{more}.{chosen}"


def _epochs_seen(comparison: Comparison) -> list[str]:
    """Say how long each side has trained; nothing where a run did not note it."""
    pruned, unpruned = comparison.selected.epochs_seen, comparison.all_unpruned.epochs_seen
    if math.isnan(pruned) or math.isnan(unpruned):
        return []
    said = (
        f"Epochs of training behind each network, on average: {pruned:.0f} in the selected team, "
        f"{unpruned:.0f} in the unpruned networks"
    )
    if pruned > unpruned:
        return [f"{said}. Unpruned networks that train as long may gain by that, too."]
    return [f"{said}."]


def _untried(comparison: Comparison) -> list[str]:
    """Say what trains the network as costly that the team was not held against."""
    command = comparison.trains_control
    return [f"One unpruned network as costly is trained by: {command}"] if command else []


def _unmeasured(comparison: Comparison) -> str:
    if not comparison.not_measured:
        return "Not measured: energy. Everything else of the table was."
    names = ", ".join(_UNMEASURED[name] for name in comparison.not_measured)
    return f"Not measured: {names}, energy. FLOPs and bytes are counted, not timed."


def _splits(comparison: Comparison) -> str:
    return (
        f"One split of the data ({_sizes(comparison)}) and one set of seeds: another split or "
        "other seeds would move every number, which the intervals over test samples do not "
        "include."
    )


def _sizes(comparison: Comparison) -> str:
    return ", ".join(f"{name} {whole(comparison.split_sizes[name])}" for name in SPLIT_NAMES)


def method() -> Section:
    """Return how the numbers were made."""
    said = (
        "FLOPs are counted on the physically smaller networks, per sample, 1 multiply–accumulate "
        "as 2; convolutions and matrix products count, pointwise operations, pooling and norms "
        "do not. A team’s cost is the sum over its members; its peak activation is the largest "
        "of any member, as they run one after another.",
        "Every team votes the same way. The single best and the teams chosen by accuracy or HQ "
        "were chosen on the selection split; “mean single” averages all single unpruned "
        f"networks, “random” averages {RANDOM_TEAMS} random teams.",
        "Accuracy has Wilson’s interval, balanced accuracy the same at its effective number of "
        "samples; log loss and Brier score (summed over the classes) have the studentised "
        f"bootstrap’s, {whole(RESAMPLES)} draws of test samples. The calibration error has "
        f"{BINS} equally wide bins; its bootstrap range is not a 95\u202f% interval.",
        "The calibration tables give the vote as it is, and after one temperature that was fitted "
        "for each contender on the selection split; a mean over draws has none. The artefact of "
        "the selected team applies its temperature unless told not to.",
        "A control, if one was trained, is one network of the team’s architecture with all "
        "widths scaled by one factor until it takes the team’s FLOPs, trained like any round 0, "
        "and its rate taken back where the team’s was; a small team is as many as the team has, "
        "which take its FLOPs together and vote by the mean. The FLOPs of a cascade are the mean "
        "over the test samples; an exported file’s bytes are its size, and int8 operations count "
        "like any other.",
        "Differences are paired: the exact McNemar test, and a bootstrap with one disagreement "
        "either way added. “Corrected” is Holm’s, over all pairs of the run’s own teams; the "
        "pairs of controls and of exported forms are corrected among themselves, and the test "
        "of the selected team against a random one stands alone. A contender is "
        "called worse if one uncorrected test or the interval says so, and better only if every "
        "corrected test and the interval do.",
        "Numbers are rounded against their contender: accuracies and differences down, losses, "
        "costs and ratios up, intervals outwards. The CSV holds them unrounded.",
    )
    items = listed(said)
    return Section("Method", "How these numbers were made.", more=items)


def provenance(comparison: Comparison) -> Section:
    """Return what it takes to make this page again."""
    entries = [("Run", comparison.name), ("Seed of the comparison", str(comparison.seed))]
    asked = comparison.config.get("asked", comparison.config)
    if isinstance(asked, Mapping) and "seed" in asked:
        entries.append(("Seed of the run", str(asked["seed"])))
    versions = comparison.config.get("versions")
    if isinstance(versions, Mapping):
        entries.append(("Versions", ", ".join(f"{k} {v}" for k, v in versions.items())))
    entries.append(("Splits", _sizes(comparison)))
    entries.append(("Members", ", ".join(m.id for m in comparison.chosen.members)))
    listed = element("dl", *(element(tag, words) for pair in entries
                             for tag, words in zip(("dt", "dd"), pair, strict=True)))  # fmt: skip
    written = json.dumps(comparison.config, indent=2, ensure_ascii=False, default=str)
    more = [listed, element("details", element("summary", "The whole configuration"),
                            element("pre", written, tabindex=0))]  # fmt: skip
    if comparison.command:
        more.insert(0, element("pre", comparison.command, class_="command", tabindex=0))
    return Section("How to make it again", "The command, seeds and versions behind this page.",
                   more=Markup("".join(more)))  # fmt: skip
