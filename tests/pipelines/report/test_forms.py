"""The table as CSV, Markdown, LaTeX and for a terminal; several runs at once."""

from __future__ import annotations

import csv as reading
import io
import re

from rich.console import Console

from pipelines.compare.comparison import Comparison
from pipelines.report.csv import csv
from pipelines.report.latex import latex
from pipelines.report.markdown import markdown
from pipelines.report.number_format import up
from pipelines.report.page import render
from pipelines.report.several_runs import Failure, csv_many, markdown_many, terminal_many
from pipelines.report.several_runs_page import render_many
from pipelines.report.terminal import terminal
from pipelines.report.verdict import verdict

FAILURE = Failure("half", "it has no selection.json; give the `ensemble build` command again")


def printed(content: object) -> list[str]:
    console = Console(width=80, file=io.StringIO(), color_system=None)
    console.print(content)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_csv_reads_back_to_the_same_numbers(comparison: Comparison) -> None:
    rows = list(reading.DictReader(io.StringIO(csv(comparison))))
    table = comparison.table
    assert list(rows[0]) == list(table.columns)
    for row, known in zip(rows, table.to_dict("records"), strict=True):
        for name, value in known.items():
            assert row[name] == "" if value != value else str(value) == row[name], name


def test_markdown_rows_are_as_wide_as_its_head(comparison: Comparison) -> None:
    lines = [line for line in markdown(comparison).splitlines() if line.startswith("|")]
    assert len(lines) == 2 + len(comparison.results)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in lines} == {10}


def test_latex_rows_are_as_wide_as_its_head_and_hold_no_bare_specials(
    comparison: Comparison,
) -> None:
    text = latex(comparison)
    body = text.split("\\midrule\n")[1].split("\\bottomrule")[0].splitlines()
    assert len(body) == len(comparison.results)
    assert {len(re.findall(r"(?<!\\)&", row)) for row in body} == {8}
    assert not re.search(r"(?<!\\)[%#_~^]", text)
    assert text.isascii()


def test_every_form_opens_with_the_plain_answer(comparison: Comparison) -> None:
    answer, opening = verdict(comparison).answer, verdict(comparison).opening
    assert " ".join(map(str.strip, printed(terminal(comparison)))).startswith(opening)
    assert markdown(comparison).startswith(opening)
    assert f">{answer} <span>" in render(comparison)


def test_the_terminal_table_fits_80_columns_and_ends_with_the_details(
    comparison: Comparison,
) -> None:
    lines = printed(terminal(comparison))
    assert max(map(len, lines)) <= 80
    assert not any("…" in line for line in lines)
    assert len([line for line in lines if "unpruned  " in line]) == 5
    assert "no significant difference" in " ".join(" ".join(lines).split())


def test_several_runs_stand_side_by_side(comparison: Comparison, ruined: Comparison) -> None:
    both = [comparison, ruined]
    rows = list(reading.DictReader(io.StringIO(csv_many(both))))
    assert [row["run"] for row in rows] == [c.name for c in both for _ in c.results]
    use, _, rest = markdown_many(both).partition(")")
    assert use == (
        "Use it: synthetic (as accurate as one ordinary network, for 17.3\u202f% of its computation"
    )
    assert rest.startswith(". Not yet: too\\_far \\<b\\>.\n")
    assert "Of 2 runs, the selected team is less accurate in 1" in markdown_many(both)
    lines = printed(terminal_many(both, [FAILURE]))
    assert max(map(len, lines)) <= 80
    assert "half could not be compared: it has no selection.json" in " ".join(lines)


def test_a_page_of_several_runs_says_what_failed_and_escapes_names(
    comparison: Comparison, ruined: Comparison
) -> None:
    page = render_many([comparison, ruined], [FAILURE])
    assert "it has no selection.json" in page
    assert "too_far &lt;b&gt;" in page
    assert "too_far <b>" not in page
    ids = re.findall(r' id="([^"]+)"', page)
    assert len(ids) == len(set(ids))


def test_a_terminal_shows_what_was_measured_and_only_then(
    everything: Comparison, comparison: Comparison
) -> None:
    assert not any("measured here" in line for line in printed(terminal(comparison)))
    lines = printed(terminal(everything))
    assert max(map(len, lines)) <= 80
    start = next(at for at, line in enumerate(lines) if line.startswith("measured here"))
    assert "1 sample" in lines[start]
    assert "128 samples" in lines[start]
    timed = [row for row in everything.results if row.measured.latency_1_ms is not None]
    assert len(timed) > 2
    for row, line in zip(timed, lines[start + 1 :], strict=False):
        assert f"{up(row.measured.latency_1_ms or 0.0, 2)} ms" in line
