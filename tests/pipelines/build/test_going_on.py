"""Where a stopped build goes on, and that the histories of a run are read once per command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_support import tiny_config, write_images

from pipelines.build.group_training import shared_round
from pipelines.build.story import build
from pipelines.commands.cli import run as command
from pipelines.run.plan import Group
from pipelines.run.records import RoundRecord, RunHistory
from pruning.dropnet import Runs
from pruning.inference.cost import Cost

KAPPA = 0.9


def _history(run: int, rounds: int, *, held: bool = True) -> RunHistory:
    """Return a run of so many rounds after round 0, whose last fell below κ unless it `held`."""

    def record(number: int) -> RoundRecord:
        fell = number == rounds and not held
        return RoundRecord(
            run=run, round=number, arch="mlp-a", seed=run, remaining=0.8**number,
            val_accuracy=0.5 if fell else 1.0, baseline_accuracy=1.0, cost=Cost(1, 1, 1, 1),
            widths={},
        )  # fmt: skip

    return RunHistory(tuple(record(number) for number in range(rounds + 1)))


def _group(size: int) -> Group:
    return Group(Runs("mlp-a", tuple(range(size)), tuple(range(size))), "stacked")


@pytest.mark.parametrize(
    ("ends", "starts"),
    [
        ([(0, True), (0, True)], {(0, 0), (1, 0)}),  # both go on from round 0
        ([(2, True), (2, True)], {(0, 2), (1, 2)}),
        ([(2, True), (1, True)], {(0, 1), (1, 1)}),  # stopped between two members of round 2
        ([(2, True), (1, False)], {(0, 2)}),  # the second had ended at round 1 before
        ([(1, True), (2, False)], {(0, 1), (1, 1)}),  # the second's round 2 is repeated
        ([(1, False), (2, False)], {(1, 2)}),  # both had ended: the last goes no further
    ],
)
def test_a_group_goes_on_from_the_last_round_that_its_standing_runs_share(
    ends: list[tuple[int, bool]], starts: set[tuple[int, int]]
) -> None:
    histories = [_history(run, last, held=held) for run, (last, held) in enumerate(ends)]
    found = shared_round(histories, _group(len(ends)), KAPPA)
    assert {(record.run, record.round) for record in found} == starts


def test_a_group_of_which_one_run_has_not_begun_starts_anew() -> None:
    assert shared_round([_history(0, 3)], _group(2), KAPPA) == ()
    assert shared_round([], _group(2), KAPPA) == ()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=6))
def test_no_run_that_stands_is_left_behind(ends: list[tuple[int, bool]]) -> None:
    histories = [_history(run, last, held=held) for run, (last, held) in enumerate(ends)]
    found = {r.run: r.round for r in shared_round(histories, _group(len(ends)), KAPPA)}
    assert len(set(found.values())) == 1
    standing = {run for run, (_, held) in enumerate(ends) if held}
    assert standing <= set(found)


def test_a_history_counts_up_from_round_0_and_forgets_what_is_repeated() -> None:
    history = _history(0, 3)
    assert history.followed_by(history.rounds[1]).rounds == history.rounds[:2]
    with pytest.raises(ValueError, match="must count up from 0"):
        RunHistory(history.rounds[1:])
    with pytest.raises(ValueError, match="must count up from 0"):
        RunHistory(())


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """Count how often each file is read by its name within the run."""
    counted: Counter[str] = Counter()
    read = Path.read_bytes

    def counting(self: Path) -> bytes:
        counted["/".join(self.parts[-2:])] += 1
        return read(self)

    monkeypatch.setattr(Path, "read_bytes", counting)
    yield counted


def _histories(reads: Counter[str]) -> set[int]:
    """Return how often histories were read, and forget it."""
    counts = {count for name, count in reads.items() if name.endswith("history.json")}
    reads.clear()
    return counts


def test_histories_are_read_once_and_named_once_per_command(
    tmp_path: Path, reads: Counter[str]
) -> None:
    data, out = write_images(tmp_path / "tiny.npz"), tmp_path / "run"
    config = tiny_config(data)
    build(config, out=out, control=True)
    assert _histories(reads) == {1}, "named as they are when a team has been chosen from them"
    build(config, out=out, control=True)
    assert _histories(reads) == {2}, "read, and named again"
    for words, times in (
        (["compare", str(out)], 1),
        (["select", str(out), "--s", "3", "--out", str(tmp_path / "again")], 2),
        (["log", str(out), "--tensorboard", str(tmp_path / "logs")], 1),
    ):
        assert command(words) == 0
        assert _histories(reads) == {times}, words[0]
