"""What is said of a team chosen from predictions, and the table of its rivals."""

from __future__ import annotations

import math

from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from pipelines.compare.advice import has_learnt
from pipelines.compare.contenders import ALL, SELECTED
from pipelines.compare.of_predictions import (
    RANDOM,
    SINGLE_BEST,
    TOP,
    PredictionsComparison,
)
from pipelines.compare.paired_tests import Judgement
from pipelines.compare.results import Result
from pipelines.report.contender_cells import (
    Column,
    amount_cell,
    filled,
    p_cell,
    ratio_cell,
    share_cell,
)
from pipelines.report.contender_names import label
from pipelines.report.number_format import (
    MISSING,
    down_percent,
    percent,
    percent_range,
    points,
    points_range,
    up,
    up_percent,
    whole,
)
from pipelines.report.table import Cell, Table

ONLY = "predictions only"
"""What every form of the report says of what it rests on."""

_CLAIMS = {
    Judgement.BETTER: "more accurate than",
    Judgement.WORSE: "less accurate than",
    Judgement.NO_DIFFERENCE: "not shown to differ in accuracy from",
}


def answer(comparison: PredictionsComparison) -> str:
    """Return the plain answer: use it, one member does as well, or not yet."""
    team, samples = _team(comparison), whole(comparison.split_sizes["test"])
    if not has_learnt(comparison.selected, *comparison.naming_one_class):
        return (
            f"Not yet: {team} is not shown to do better than always naming the most frequent class."
        )
    test = comparison.against(SINGLE_BEST)
    if test is None:
        return "It is the best single member: there is no team to speak of."
    if test.judgement is Judgement.WORSE:
        return f"Not yet: {team} is less accurate than the best single member."
    if test.judgement is Judgement.BETTER:
        return f"Use it: {team} is more accurate than the best single member."
    return (
        f"One member does as well: as far as {samples} test samples tell, {team} is no more "
        "accurate than the best single one."
    )


def besides(comparison: PredictionsComparison) -> str:
    """Return whether a cheaper way to a team, or all members, does as well or better."""
    size = comparison.selected.members
    said = []
    everyone, top, drawn = (comparison.against(name) for name in (ALL, TOP, RANDOM))
    if everyone is not None and everyone.judgement is Judgement.WORSE:
        said.append(f"All {comparison.everyone.members} members together are more accurate still.")
    if size > 1 and top is None:
        said.append(f"It is the {size} most accurate members.")
    for test, name in ((top, f"the {size} most accurate members"), (drawn, "a random team")):
        if size == 1 or test is None:
            continue
        verb = "does" if name == "a random team" else "do"
        if test.judgement is Judgement.NO_DIFFERENCE:
            said.append(
                f"{name[0].upper()}{name[1:]} {verb} as well: the choice is not shown to matter."
            )
        elif test.judgement is Judgement.WORSE:
            said.append(f"{name[0].upper()}{name[1:]} {verb} better: the choice did harm.")
    return " ".join(said)


def details(comparison: PredictionsComparison) -> tuple[str, ...]:
    """Return the selected team against each rival, a sentence each."""
    selected = comparison.selected
    members = comparison.chosen.disagreement.member_ids[: selected.members]
    first = (
        f"The selected team gets {_accuracy(selected)} of "
        f"{whole(comparison.split_sizes['test'])} test samples, {ONLY}: {', '.join(members)}."
    )
    return (first, *(_against(comparison, name) for name in (SINGLE_BEST, TOP, ALL, RANDOM)
                     if comparison.against(name) is not None))  # fmt: skip


def predictions_table(comparison: PredictionsComparison) -> Table:
    """Return the table of contenders; costs that nobody gave have no column."""
    everyone = comparison.everyone
    columns = [
        Column("Members", lambda row: Cell(whole(row.members), "", "members", row.members)),
        Column("Accuracy", lambda row: share_cell("accuracy", row.accuracy)),
        Column("Points, selected less this", lambda row: _gap(comparison, row)),
        Column("McNemar p, corrected", lambda row: p_cell(row, "mcnemar_holm", SELECTED)),
        Column("Bootstrap p, corrected", lambda row: p_cell(row, "bootstrap_holm", SELECTED)),
    ]
    if not math.isnan(everyone.cost.flops):
        columns += [
            Column("FLOPs", lambda row: amount_cell("flops", row.cost.flops)),
            Column("of all", lambda row: ratio_cell("flops_ratio", row.ratios.flops)),
        ]
    if not math.isnan(everyone.cost.bytes):
        columns += [
            Column("Bytes", lambda row: amount_cell("bytes", row.cost.bytes, "B")),
            Column("of all", lambda row: ratio_cell("bytes_ratio", row.ratios.bytes)),
        ]
    if comparison.latency_ms:
        columns.append(Column("Latency", lambda row: _latency(comparison, row)))
    caption = f"Accuracy on test, {ONLY}; costs per sample as given with them"
    return filled(caption, columns, comparison.results)


def predictions_terminal(comparison: PredictionsComparison) -> RenderableType:
    """Return the answer, the table and the details for 80 columns."""
    table = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("contender", no_wrap=True)
    headings = ["acc. %", "95 % interval", "selected less", "95 % interval"]
    if comparison.latency_ms:
        headings.append("latency")
    for heading in headings:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in comparison.results:
        test = comparison.against(row.contender)
        cells = [
            down_percent(row.accuracy.value),
            f"{down_percent(row.accuracy.low)}–{up_percent(row.accuracy.high)}",
            points(test.difference.value) if test else "",
            points_range(test.difference) if test else "",
        ]
        if comparison.latency_ms:
            cells.append(_latency(comparison, row).text)
        table.add_row(label(row), *cells, style="bold" if row.contender == SELECTED else "")
    opening = f"{answer(comparison)} {besides(comparison)}".rstrip()
    said = Text("\n".join((*details(comparison), *comparison.notes)))
    return Group(Text(opening, "bold"), Text(), table, Text(), said)


def _team(comparison: PredictionsComparison) -> str:
    size = comparison.selected.members
    return "the selected member" if size == 1 else f"the selected team of {size}"


def _against(comparison: PredictionsComparison, rival: str) -> str:
    test, row = comparison.against(rival), comparison.row(rival)
    if test is None:
        return ""
    names = {
        SINGLE_BEST: "the best single member",
        TOP: f"the {row.members} most accurate members",
        ALL: f"all {row.members} members",
        RANDOM: f"a random team of {row.members}",
    }
    return (
        f"It is {_CLAIMS[test.judgement]} {names[rival]} ({_accuracy(row)}): a difference of "
        f"{points(test.difference.value)} points, 95\u202f% interval "
        f"{points_range(test.difference)}."
    )


def _accuracy(row: Result) -> str:
    return f"{percent(row.accuracy.value)} ({percent_range(row.accuracy)})"


def _gap(comparison: PredictionsComparison, row: Result) -> Cell:
    test = comparison.against(row.contender)
    if test is None:
        return Cell(MISSING)
    return Cell(points(test.difference.value), points_range(test.difference))


def _latency(comparison: PredictionsComparison, row: Result) -> Cell:
    value = comparison.latency_ms[row.contender]
    return Cell(f"{up(value, 3 if value < 1 else 2)} ms", "", "latency_ms", value)
