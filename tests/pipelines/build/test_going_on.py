"""Where a stopped build goes on, and that the histories of a run are read once per command."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_support import tiny_config, write_images
from run_contents import logged_rounds, run_files

from pipelines.build.group_training import shared_round
from pipelines.build.story import build
from pipelines.commands.cli import run as command
from pipelines.compare.of_build import compare
from pipelines.run.config import BuildConfig, Pruner, SelectionConfig
from pipelines.run.directory import RunDirectory
from pipelines.run.plan import Group
from pipelines.run.records import RoundRecord, RunHistory
from pipelines.run.resolved import ResolvedConfig
from pruning.dropnet import DropNet, Member, Runs
from pruning.dropnet.target import Target
from pruning.inference.cost import Cost
from pruning.samples.scaling import Scaling
from pruning.training.recipe import Recipe

KAPPA = 0.9
ENDS = ("met", "bare", "empty")
"""A target is met, every layer has one unit, another round would have emptied a layer."""


def _history(run: int, rounds: int, end: str = "") -> RunHistory:
    """Return a run of so many rounds after round 0, which goes on unless it came to an `end`."""

    def record(number: int) -> RoundRecord:
        last = number == rounds
        flops = 100 if last and end == "met" else 1000 - number
        return RoundRecord(
            run=run, round=number, arch="mlp-a", seed=run, remaining=0.8**number,
            val_accuracy=0.5 if last and end == "fell" else 1.0, baseline_accuracy=1.0,
            cost=Cost(flops, 1, 1, 1), widths={"0": (1 if last and end == "bare" else 9, 10)},
        )  # fmt: skip

    records = tuple(record(number) for number in range(rounds + 1))
    return RunHistory(records, ended=end == "empty")


def _resolved(size: int, pruner: Pruner = "dropnet") -> ResolvedConfig:
    dropnet = DropNet(kappa=KAPPA, target=Target(flops=200))
    if pruner == "datafree":
        dropnet = DropNet(kappa=KAPPA)
    config = BuildConfig(
        m=size, pruner=pruner, dropnet=dropnet, selection=SelectionConfig(size=1)
    )  # fmt: skip
    group = Group(Runs("mlp-a", tuple(range(size)), tuple(range(size))), "stacked")
    return ResolvedConfig(
        config, (group,), device="cpu", classes=(0, 1), input_shape=(4,), scaling=Scaling(),
        split_sizes={}, fingerprint="", versions={},
    )  # fmt: skip


def _shared(histories: Sequence[RunHistory], resolved: ResolvedConfig) -> set[tuple[int, int]]:
    found = shared_round(histories, resolved.groups[0], resolved)
    return {(record.run, record.round) for record in found}


@pytest.mark.parametrize(
    ("ends", "starts"),
    [
        ([(0, ""), (0, "")], {(0, 0), (1, 0)}),  # both go on from round 0
        ([(2, ""), (2, "")], {(0, 2), (1, 2)}),
        ([(2, ""), (1, "")], {(0, 1), (1, 1)}),  # stopped between two members of round 2
        ([(2, ""), (1, "fell")], {(0, 2)}),  # the second had ended at round 1 before
        ([(1, ""), (2, "fell")], {(0, 1), (1, 1)}),  # the second's round 2 is repeated
        ([(1, "fell"), (2, "fell")], {(1, 2)}),  # both had ended: the last goes no further
        *(([(1, end), (2, end)], {(1, 2)}) for end in ENDS),
        *(([(2, ""), (1, end)], {(0, 2)}) for end in ENDS),
        *(([(1, ""), (2, end)], {(0, 1), (1, 1)}) for end in ENDS),
    ],
)
def test_a_group_goes_on_from_the_last_round_that_its_standing_runs_share(
    ends: list[tuple[int, str]], starts: set[tuple[int, int]]
) -> None:
    histories = [_history(run, *end) for run, end in enumerate(ends)]
    assert _shared(histories, _resolved(len(ends))) == starts


@pytest.mark.parametrize(("lasts", "reached"), [((0, 0), 0), ((1, 0), 0), ((0, 1), 0), ((1, 1), 1)])
@pytest.mark.parametrize("end", ["", "fell"])
def test_data_free_runs_are_merged_together(lasts: tuple[int, int], reached: int, end: str) -> None:
    resolved = _resolved(2, "datafree")
    histories = [_history(run, last, end if last else "") for run, last in enumerate(lasts)]
    assert _shared(histories, resolved) == {(0, reached), (1, reached)}
    assert [resolved.was_cut(history) for history in histories] == [last == 0 for last in lasts]


def test_a_group_of_which_one_run_has_not_begun_starts_anew() -> None:
    assert _shared([_history(0, 3)], _resolved(2)) == set()
    assert _shared([], _resolved(2)) == set()


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(1, 5), st.sampled_from(("", "fell", *ENDS))), min_size=1, max_size=6
    )
)
def test_no_run_that_stands_is_left_behind(ends: list[tuple[int, str]]) -> None:
    histories = [_history(run, *end) for run, end in enumerate(ends)]
    found = dict(_shared(histories, _resolved(len(ends))))
    assert len(set(found.values())) == 1
    standing = {run for run, (_, end) in enumerate(ends) if not end}
    assert standing <= set(found)
    if not standing:
        assert max(last for last, _ in ends) in found.values(), "nothing is trained again"


RECIPE = Recipe(max_epochs=3, batch_size=16)
IN_DIFFERENT_ROUNDS = {
    "met": DropNet(target=Target(flops=0.25), recipe=RECIPE),
    "empty": DropNet(kappa=0.0, keep=0.0, metric="maximum", spare_last=False, recipe=RECIPE),
    "fell": DropNet(kappa=1.0, rounds=4, recipe=RECIPE),
}


@pytest.mark.parametrize("end", IN_DIFFERENT_ROUNDS)
def test_a_stopped_group_of_runs_that_end_in_different_rounds_comes_to_the_same_bytes(
    end: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(write_images(tmp_path / "tiny.npz"), dropnet=IN_DIFFERENT_ROUNDS[end])
    whole = build(config, out=tmp_path / "whole")
    assert not whole.cut
    lasts = [len(history.rounds) for history in whole.histories]
    assert len(set(lasts)) > 1
    out, keep, stops = tmp_path / "run", RunDirectory.keep_round, 0

    def stopped(self: RunDirectory, member: Member, earlier: RunHistory | None) -> RunHistory:
        found = keep(self, member, earlier)
        if (member.run, member.round) not in seen:
            seen.add((member.run, member.round))
            raise KeyboardInterrupt
        return found

    seen: set[tuple[int, int]] = set()
    monkeypatch.setattr(RunDirectory, "keep_round", stopped)
    while stops <= sum(lasts):
        try:
            build(config, out=out)
            break
        except KeyboardInterrupt:
            stops += 1
    assert stops == sum(lasts), "once after each round of each run"
    assert run_files(out) == run_files(tmp_path / "whole")


@pytest.mark.parametrize("end", IN_DIFFERENT_ROUNDS)
def test_a_finished_group_of_runs_that_ended_in_different_rounds_trains_nothing_again(
    end: str, tmp_path: Path
) -> None:
    config = tiny_config(write_images(tmp_path / "tiny.npz"), dropnet=IN_DIFFERENT_ROUNDS[end])
    out = tmp_path / "run"
    compare(build(config, out=out))
    wanted, trained = run_files(out), len(logged_rounds(out))
    assert build(config, out=out).earlier
    assert len(logged_rounds(out)) == trained
    assert run_files(out) == wanted


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
    assert _histories(reads) == {1}, "those that were chosen from are there, and are not named anew"
    for words, times in (
        (["compare", str(out)], 1),
        (["select", str(out), "--s", "3", "--out", str(tmp_path / "again")], 2),
        (["log", str(out), "--tensorboard", str(tmp_path / "logs")], 1),
    ):
        assert command(words) == 0
        assert _histories(reads) == {times}, words[0]
