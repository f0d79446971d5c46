"""What contenders, and the selected team, are called for people."""

from __future__ import annotations

from pipelines.compare.comparison import Comparison
from pipelines.compare.results import Result

_NAMES = {
    "single_best_unpruned": "Best single unpruned",
    "single_mean_unpruned": "Mean single unpruned",
    "top_s_unpruned": "Top {members} unpruned",
    "hq_unpruned": "HQ {members} unpruned",
    "all_unpruned": "All {members} unpruned",
    "all_pruned": "All {members} pruned",
    "random_s_pruned": "Random {members} pruned",
    "selected": "Selected {members}",
    "single_best": "Best single",
    "single_mean": "Mean single",
    "top_s": "Top {members}",
    "all": "All {members}",
    "random_s": "Random {members}",
    "control": "One as costly",
    "small_team": "{members} small ones, as costly",
    "selected_onnx": "Selected {members}, ONNX",
    "selected_int8": "Selected {members}, int8",
    "selected_cascade": "Selected {members}, cascade",
}


def label(row: Result) -> str:
    """Return a contender's name for people; one brought along keeps its own words."""
    known = _NAMES.get(row.contender, row.contender.replace("_", " "))
    return known.format(members=row.members)


def team_name(comparison: Comparison) -> str:
    """Return the members of the selected team, as the subject of a sentence."""
    size = comparison.selected.members
    if size == 1:
        return team_of(comparison)
    return f"the {size} selected {_pruned(comparison)}networks"


def team_of(comparison: Comparison) -> str:
    """Return the selected team as one thing, whatever its size."""
    size = comparison.selected.members
    if size == 1:
        return f"the selected {_pruned(comparison)}network"
    return f"the selected team of {size} {_pruned(comparison)}networks"


def team_again(comparison: Comparison) -> str:
    """Return what the selected team is called once it has been named."""
    return "the team" if comparison.selected.members > 1 else "the selected network"


def _pruned(comparison: Comparison) -> str:
    return "pruned " if all(member.round for member in comparison.chosen.members) else ""
