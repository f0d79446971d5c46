"""A choice in words: the team, how far to trust its accuracy, what each member adds to it."""

from __future__ import annotations

from pipelines.report.number_format import amount
from pipelines.run.config import SelectionConfig
from selection.facts import FrontPoint
from selection.team import Selection

UNITS = {"flops": "FLOPs", "bytes": "B", "latency": "s"}
MOST_POINTS = 12
Z_95 = 1.96
"""Two-sided 95 % quantile of the normal distribution."""


def chosen_lines(selection: Selection, asked: SelectionConfig, where: str) -> list[str]:
    """Return lines on the team, why it is smaller than asked, how far its accuracy overstates."""
    lines = [
        f"chosen {len(selection.team)} of {len(selection.pool)} by {selection.method}: "
        f"{', '.join(selection.team)}; accuracy {selection.accuracy:.3f} on {where}"
    ]
    if len(selection.team) < asked.size:
        lines.append(f"fewer than the {asked.size} asked for: {_why_fewer(selection, asked)}")
    known = selection.optimism
    if known is not None:
        lines.append(expected(selection))
        if known.by_noise and selection.method != "top":
            size = len(selection.team)
            alone = "most accurate member" if size == 1 else f"{size} most accurate members"
            lines.append(
                f"on the halves that it was not chosen on, the team is no better than the {alone}, "
                "beyond noise"
            )
    return lines


def _why_fewer(selection: Selection, asked: SelectionConfig) -> str:
    """Say whether the budget lets no team of the size through, or a smaller one was better."""
    full, size, method = selection.full, asked.size, selection.method
    if full is not None and full.fitting == 0:
        rest = ", and of those that do no larger one is more accurate beyond noise"
        return f"no team of {size} fits the budget{rest if asked.thrifty else ''}"
    if asked.thrifty:
        return "no larger team is more accurate beyond noise"
    if full is None:
        return f"{method} chose no more"
    number = "" if full.fitting is None else f"{full.fitting:,} of the {full.teams:,} "
    compared = any(level.size == size and level.standing for level in selection.levels)
    if compared and method != "random":
        return f"{number}teams of {size} fit the budget, and a smaller one scored better"
    if number:
        return f"{number}teams of {size} fit the budget, and {method} came to a smaller one"
    return f"of the {full.teams:,} teams of {size}, {method} met none that fits the budget"


def expected(selection: Selection) -> str:
    """Return what halving says of the team's accuracy on new samples; empty where it was not asked.

    It is the honest number where there are no samples that the choice has not seen.
    """
    known = selection.optimism
    if known is None:
        return ""
    how = "overstated" if known.overstated >= 0 else "understated"
    return (
        f"its accuracy is {how} by about {100 * abs(known.overstated):.2f} ± "
        f"{100 * Z_95 * known.error:.2f} points (95 %, {known.halvings} halvings of the "
        f"split): expect {known.corrected(selection.accuracy):.3f} on new samples"
    )


def reasons(selection: Selection) -> list[str]:
    """Return what each member adds to the team, the counts per size, and the Pareto front."""
    lines: list[str] = []
    if len(selection.team) > 1:
        lines += ["", "member        alone   team without it"]
        lines += [
            f"{share.member:<12} {share.accuracy:6.3f}   {_points(-share.loss_without)}"
            for share in selection.members
        ]
    if selection.levels:
        lines += ["", "size   teams made   dropped   over budget   left out by the beam   standing"]
        lines += [
            f"{n.size:>4} {n.made:>12,} {n.dropped:>9,} {n.over_budget:>13,} {n.trimmed:>22,} "
            f"{n.standing:>10,}"
            for n in selection.levels
        ]
    for kind, unit in UNITS.items():
        points = [point for point in selection.front if point.kind == kind]
        if points:
            lines += [
                "",
                f"accuracy against {kind}: teams more accurate than every cheaper one looked at",
            ]
            lines += [_point(point, unit) for point in points[-MOST_POINTS:]]
    own = [point.accuracy for point in selection.front if point.team == selection.team]
    others = [point.accuracy for point in selection.front if point.team != selection.team]
    thrifty = selection.options.get("thrifty")
    equal = len(set(selection.weights)) == 1
    plain = equal and selection.method == "soft" and not thrifty
    if plain and max(others, default=0.0) > max(own, default=selection.accuracy):
        lines += ["", "soft counts close calls in part: a team that is right more often may lose"]
    return lines


def _point(point: FrontPoint, unit: str) -> str:
    cost = f"{point.cost * 1e3:.3g} ms" if unit == "s" else amount(point.cost, unit)
    return f"{cost:>16}  {point.accuracy:.3f}  {', '.join(point.team)}"


def _points(difference: float) -> str:
    """Return a difference of accuracies in points; what rounds to nothing has no minus."""
    return f"{round(100 * difference, 2) + 0.0:+.2f} points"
