"""The comparison of a notebook: of a build in memory, of a run, of several."""

from __future__ import annotations

from pathlib import Path

import pytest
from pipeline_support import tiny_config, write_images

from pipelines.build.built import Built
from pipelines.build.story import build
from pipelines.compare import of_build
from pipelines.report import ComparisonReport, compare, compare_runs
from pruning.core.errors import RequestError


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("runs")
    return build(tiny_config(write_images(folder / "tiny.npz")), out=folder / "run")


def test_a_build_and_its_directory_give_the_commands_comparison(run: Built) -> None:
    assert run.path is not None
    known = of_build.compare(run)
    for given in (run, run.path, str(run.path)):
        found = compare(given)
        assert isinstance(found, ComparisonReport)
        assert found.name == "run" and "--m 4 --s 2" in found.command
        assert found.table.equals(known.table)
    assert not compare(run, seed=1).table.equals(known.table)


def test_several_runs_are_tested_against_the_first_and_one_that_is_not_there_is_named(
    run: Built, tmp_path: Path
) -> None:
    assert run.path is not None
    several = compare_runs([run, tmp_path / "nowhere", run.path])
    first, second = several
    assert first.against_first is None and second.against_first is not None
    assert second.against_first.difference.value == 0
    assert {first.name, second.name} == {"run", str(run.path)}  # else both would be called "run"
    (failure,) = several.failures
    assert failure.name == str(tmp_path / "nowhere") and "nowhere" in failure.reason


@pytest.mark.parametrize(("runs", "said"), [(["nowhere"], "nowhere"), ([], "no run to compare")])
def test_no_run_at_all_is_refused(runs: list[str], said: str) -> None:
    with pytest.raises(RequestError, match=said):
        compare_runs(runs)
