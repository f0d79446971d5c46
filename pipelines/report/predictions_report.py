"""The comparison of a team chosen from predictions, in every form."""

from __future__ import annotations

from dataclasses import fields

from rich.console import RenderableType

from pipelines.compare.bootstrap import RESAMPLES
from pipelines.compare.contenders import RANDOM_TEAMS
from pipelines.compare.of_predictions import PredictionsComparison
from pipelines.report.comparison_report import Target, written
from pipelines.report.contender_tables import calibrated_table, quality_table
from pipelines.report.figures.accuracy_intervals import accuracy_intervals
from pipelines.report.figures.calibration import calibration
from pipelines.report.figures.candidate_teams import candidate_teams
from pipelines.report.figures.confusions import confusions
from pipelines.report.figures.disagreements import disagreements
from pipelines.report.figures.pareto import pareto
from pipelines.report.figures.vote_outcomes import vote_outcomes
from pipelines.report.latex import tabular
from pipelines.report.markdown import escaped, pipe_table
from pipelines.report.markup import Markup, element, join
from pipelines.report.number_format import whole
from pipelines.report.page import document
from pipelines.report.predictions_text import (
    ONLY,
    answer,
    besides,
    details,
    predictions_table,
    predictions_terminal,
)
from pipelines.report.section import Section, html_table, render_section
from pipelines.report.text_sections import listed, select_test_table


class PredictionsReport(PredictionsComparison):
    """A comparison of predictions with its forms as methods, as `ComparisonReport` has them."""

    @classmethod
    def of(cls, comparison: PredictionsComparison) -> PredictionsReport:
        """Return the report of a comparison."""
        return cls(**{f.name: getattr(comparison, f.name) for f in fields(PredictionsComparison)})

    def to_csv(self, path: Target = None) -> str:
        """Return the table of contenders as CSV, its numbers not rounded."""
        return written(self.table.to_csv(index=False, lineterminator="\n"), path)

    def to_html(self, path: Target = None) -> str:
        """Return the report as one HTML page that needs no other file and no network."""
        return written(_page(self), path)

    def to_markdown(self, path: Target = None) -> str:
        """Return the answer and the table of contenders in GitHub's Markdown."""
        said = f"{answer(self)} {besides(self)}".rstrip()
        more = escaped(" ".join((*details(self), *self.notes)))
        return written(f"{said}\n\n{more}\n\n{pipe_table(predictions_table(self))}\n", path)

    def to_latex(self, path: Target = None) -> str:
        """Return the table of contenders for the LaTeX package ``booktabs``."""
        return written(tabular(predictions_table(self)), path)

    def __rich__(self) -> RenderableType:
        return predictions_terminal(self)


def _page(comparison: PredictionsComparison) -> str:
    sections = {
        "intervals": accuracy_intervals(comparison),
        **({"pareto": pareto(comparison)} if comparison.pareto else {}),
        "table": _table(comparison),
        "teams": candidate_teams(comparison),
        "disagreement": disagreements(comparison),
        "calibration": calibration(comparison),
        "mistakes": confusions(comparison),
        "votes": vote_outcomes(comparison),
        "caveats": _caveats(comparison),
        "method": _method(comparison),
    }
    links = [element("li", element("a", s.title, href=f"#{key}")) for key, s in sections.items()]
    about = (
        f"{comparison.name} · {len(comparison.classes)} classes · "
        f"{whole(comparison.split_sizes['test'])} test samples · {ONLY}"
    )
    opening = element(
        "header",
        element("p", about, class_="eyebrow"),
        element("h1", f"{answer(comparison)} ", element("span", besides(comparison)),
                class_="answer"),
        *(element("p", words, class_="further") for words in details(comparison)),
        element("nav", element("ul", *links), aria_label="On this page"),
    )  # fmt: skip
    parts = [render_section(section, key) for key, section in sections.items()]
    return document(comparison.name, opening, *parts, about=f"the chosen team, {ONLY}")


def _table(comparison: PredictionsComparison) -> Section:
    first = html_table(predictions_table(comparison))
    rest = [
        html_table(table) for table in (quality_table(comparison), calibrated_table(comparison))
    ]
    more = element("details", element("summary", "Quality of the probabilities"), *rest)
    text = (
        "One row per contender, as in comparison.csv. Small type is the 95\u202f% interval. "
        "Differences are the selected team’s accuracy less the row’s; “corrected” allows for "
        "the number of rivals."
    )
    return Section("The table", text, more=join(first, more), broad=True)


def _caveats(comparison: PredictionsComparison) -> Section:
    said = (
        "Predictions only: the members were not here. Nothing was run, timed or counted; costs "
        "are what the file of predictions says, and sums over the members.",
        "Whether a member was trained on samples of the test part cannot be seen from "
        "predictions: that the samples were held out is taken on trust.",
        *comparison.notes,
    )
    return Section(
        "What to keep in mind",
        "A contender chosen by its accuracy on the selection samples looks better there than it "
        "is. Only the test samples count, which the choice has not seen.",
        table=select_test_table(comparison),
        more=listed(said),
    )


def _method(comparison: PredictionsComparison) -> Section:
    said = (
        f"Every team votes the same way. The best single and the most accurate members are those "
        f"on the selection samples; “mean single” averages all members, “random” averages "
        f"{RANDOM_TEAMS} random teams.",
        "Accuracy has Wilson’s interval, log loss and Brier score the studentised bootstrap’s, "
        f"{whole(RESAMPLES)} draws of test samples. Differences are paired: the exact McNemar "
        "test, and a bootstrap with one disagreement either way added; Holm’s correction is over "
        "the rivals. The selected team is called worse if one uncorrected test or the interval "
        "says so, and better only if every corrected test and the interval do.",
        f"Chosen by {comparison.chosen.method} on "
        f"{whole(comparison.split_sizes['select'])} selection samples, compared with seed "
        f"{comparison.seed}.",
    )
    command = (
        element("pre", comparison.command, class_="command", tabindex=0)
        if comparison.command
        else Markup("")
    )
    return Section("Method", "How these numbers were made.", more=join(listed(said), command))
