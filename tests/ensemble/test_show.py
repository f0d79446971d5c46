from __future__ import annotations

from pathlib import Path

import ensemble
from ensemble.model import Ensemble
from ensemble.summary import view


def test_the_view_tells_what_is_there(saved: Path, team: Ensemble) -> None:
    told = view(ensemble.load(saved))
    assert [m.name for m in told.members] == ["00-r3", "01-r3", "02-r3"]
    assert told.cost == team.cost_
    assert told.classes == tuple("0123456789")
    assert told.cascade == () and told.cascade_threshold is None
    for member, built in zip(told.members, team.members, strict=True):
        kept = {width.layer: width.kept for width in member.widths}
        shapes = {n.removesuffix(".weight"): len(p) for n, p in built.network.named_parameters()
                  if n.endswith("weight")}  # fmt: skip
        assert kept == shapes
    assert told.members[0].widths_text == "fc1 5/12  fc2 5/8"
