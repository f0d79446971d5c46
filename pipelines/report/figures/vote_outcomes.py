"""Where the team is right and its members are wrong, and the other way round."""

from __future__ import annotations

from collections import Counter

from pipelines.compare.mistakes import Votes
from pipelines.compare.team_comparison import TeamComparison
from pipelines.report.figures.drawing import canvas, line, text_at
from pipelines.report.figures.sample_images import SampleCard, gallery
from pipelines.report.markup import Markup, element, join
from pipelines.report.number_format import whole
from pipelines.report.scale import Scale
from pipelines.report.section import Section
from pipelines.report.table import plain_table


def vote_outcomes(comparison: TeamComparison) -> Section:
    """Return how often the vote saves a sample, and how often it loses one."""
    votes = comparison.chosen.votes
    size = len(votes.right) - 1
    title = "Where the vote helps, and where it hurts"
    if size == 1:
        return Section(title, "The team is one network: there is no vote.")
    text = (
        f"Of the samples that its best member gets wrong, the team gets "
        f"{whole(votes.best_member_wrong)} right; of those that its best member gets right, it "
        f"gets {whole(votes.best_member_right)} wrong. All {size} members are right on "
        f"{whole(int(votes.right[size]))} samples and none is right on "
        f"{whole(int(votes.wrong[0] + votes.right[0]))}. The others, on which members differ, are "
        "drawn here by how many members are right."
    )
    rows = [
        (f"{k} of {size}", whole(int(votes.right[k])), whole(int(votes.wrong[k])))
        for k in range(size + 1)
    ]
    headings = ("Members right", "Team right", "Team wrong")
    return Section(
        title,
        text,
        (lambda width: _draw(votes, width)),
        plain_table("Test samples by how many members are right", headings, rows),
        _examples(comparison),
    )


def _draw(votes: Votes, width: int) -> Markup:
    size = len(votes.right) - 1
    step = max(7.0, min(34.0, 340 / size))
    most = max(1, int(votes.right[1:size].max()), int(votes.wrong[1:size].max()))
    middle, room = width / 2 + 20, width / 2 - 80
    bar = Scale(0, most, 0, room)
    every = -(-size // 12)
    parts = [
        text_at(middle - 4, 14, "team wrong", "axis-name", text_anchor="end"),
        text_at(middle + 4, 14, "team right", "axis-name"),
        text_at(0, 14, "members right", "axis-name"),
    ]
    for k in range(1, size):
        y = 26 + step * (size - 1 - k)
        right, wrong = int(votes.right[k]), int(votes.wrong[k])
        bars = [
            element("rect", x=middle - bar(wrong), y=y, width=bar(wrong), height=step - 6,
                    class_="lost"),
            element("rect", x=float(middle), y=y, width=bar(right), height=step - 6,
                    class_="won"),
        ]  # fmt: skip
        if (size - k) % every == 0:
            at = y + (step - 6) / 2 + 4
            bars += [
                text_at(0, at, f"{k} of {size}", "tick"),
                text_at(middle - bar(wrong) - 6, at, whole(wrong), "tick", text_anchor="end"),
                text_at(middle + bar(right) + 6, at, whole(right), "tick"),
            ]
        tip = f"{k} of {size} members right: team right {whole(right)}, wrong {whole(wrong)} times"
        parts.append(element("g", *bars, data_tip=tip))
    bottom = 26 + step * (size - 1)
    return canvas(width, bottom + 4, *parts, line(middle, 20, middle, bottom, "axis"))


def _examples(comparison: TeamComparison) -> Markup:
    """Return samples that the vote decided against the majority; nothing without images."""
    votes = comparison.chosen.votes
    named = (
        ("Right against its members’ majority", votes.rescued),
        ("Wrong against its members’ majority", votes.lost),
    )
    return join(*(gallery(title, _cards(comparison, samples)) for title, samples in named))


def _tally(said: list[str]) -> str:
    """Return the votes by class, most votes first.

    >>> _tally(["3", "8", "8"])
    '8 ×2, 3'
    """
    counts = Counter(said).most_common()
    return ", ".join(f"{name} ×{count}" if count > 1 else name for name, count in counts)


def _cards(comparison: TeamComparison, samples: tuple[int, ...]) -> list[SampleCard]:
    cards = []
    for sample in samples:
        shown = comparison.chosen.pictures.get(sample)
        if shown is None:
            continue
        said = _tally([comparison.classes[vote] for vote in shown.votes])
        true, team = comparison.classes[shown.true], comparison.classes[shown.predicted]
        cards.append(
            SampleCard(
                shown.pixels,
                f"{true}",
                f"team: {team}; members: {said}",
                f"Test sample {sample}: true class {true}, team says {team}",
            )
        )
    return cards  # fmt: skip
