from __future__ import annotations

import pytest

from pruning.core.stages import Stages


class _Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_every_second_belongs_to_one_stage() -> None:
    clock = _Clock()
    stages = Stages(clock)
    clock.now = 1.0
    with stages("cutting"):
        clock.now = 3.0
        with stages("training"):
            clock.now = 7.0
        with stages("cutting"):
            clock.now = 7.5
        clock.now = 8.0
    clock.now = 10.0
    found = stages.taken()
    assert found == {"cutting": 3.0, "training": 4.0, "other": 3.0}
    assert sum(found.values()) == clock.now
    clock.now = 12.0
    assert stages.taken() == {"other": 2.0}


def test_a_stage_that_fails_has_taken_its_time_and_is_over() -> None:
    clock = _Clock()
    stages = Stages(clock)
    with pytest.raises(KeyError), stages("training"):
        clock.now = 2.0
        raise KeyError
    clock.now = 3.0
    assert stages.taken() == {"training": 2.0, "other": 1.0}


def test_what_is_taken_within_a_stage_leaves_it_open() -> None:
    clock = _Clock()
    stages = Stages(clock)
    with stages("training"):
        clock.now = 2.0
        assert stages.taken() == {"training": 2.0, "other": 0.0}
        clock.now = 5.0
    assert stages.taken() == {"training": 3.0, "other": 0.0}


@pytest.mark.parametrize(
    ("elsewhere", "at_a_time"),
    [({}, 1), ({"training": 0.0}, 3), ({"training": 4.0}, 1), ({"training": 9.0, "data": 9.0}, 2),
     ({"training": 500.0, "files": 500.0}, 1)],
)  # fmt: skip
def test_shared_out_seconds_stay_as_many(elsewhere: dict[str, float], at_a_time: int) -> None:
    """Also where another machine's clock says more than there was time for."""
    clock = _Clock()
    stages = Stages(clock)
    with stages("waiting"):
        clock.now = 10.0
    stages.shared_out("waiting", elsewhere, at_a_time)
    found = stages.taken()
    assert sum(found.values()) == pytest.approx(10.0)
    assert all(seconds >= -1e-9 for seconds in found.values())
    if sum(elsewhere.values()) <= 10.0 * at_a_time:
        assert all(found[name] == pytest.approx(s / at_a_time) for name, s in elsewhere.items())
