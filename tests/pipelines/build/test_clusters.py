"""A build on a cluster: the bytes of a build here, whatever the cluster does to its tasks."""

from __future__ import annotations

import dataclasses
import os
import socket
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import numpy as np
import pytest
from pipeline_support import directory, tiny_config, write_images
from run_contents import logged_rounds, run_files
from standing_in import StandIn
from stopped_builds import EACH_EPOCH
from torch import nn

from pipelines.build import build, placement
from pipelines.build.clusters import ray_cluster
from pipelines.build.clusters import task as tasks
from pipelines.build.clusters.task import RoundTask, train_round, trained_on
from pipelines.build.data import load_data
from pipelines.run.config import BuildConfig
from pipelines.run.directory import RunDirectory
from pipelines.run.resources import Placement
from pruning.core.errors import MachineError, RequestError
from pruning.data.splits import Splits
from pruning.dropnet import DropNet
from pruning.dropnet.settings import Rewinding
from pruning.dropnet.target import Target
from pruning.training.recipe import Recipe

ON_DASK = Placement(scheduler="tcp://127.0.0.1:8786")

KINDS: dict[str, dict[str, Any]] = {
    "two architectures": {"archs": ("mlp-a:8-6", "conv-b:3-4")},
    "late rewinding": {
        "dropnet": DropNet(
            rounds=2, kappa=0.0, rewinding=Rewinding(to="late", late_epochs=1),
            recipe=Recipe(max_epochs=3, batch_size=16),
        ),
    },
    "runs that end at different rounds": {
        "dropnet": DropNet(rounds=3, kappa=1.0, recipe=Recipe(max_epochs=3, batch_size=16)),
    },
    "runs that meet a target in different rounds": {
        "dropnet": DropNet(target=Target(flops=0.25), recipe=Recipe(max_epochs=3, batch_size=16)),
    },
    "runs that would lose a layer in different rounds": {
        "dropnet": DropNet(
            kappa=0.0, keep=0.0, metric="maximum", spare_last=False,
            recipe=Recipe(max_epochs=3, batch_size=16),
        ),
    },
    "dropout": {"archs": ("dropping:make",)},
    "data-free": {"pruner": "datafree", "dropnet": DropNet(recipe=Recipe(max_epochs=3))},
}  # fmt: skip


DROPPING = """
from torch import nn
def make(classes, shape):
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Dropout(),
                         nn.Linear(8, classes))
"""


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "dropping", raising=False)
    (tmp_path / "dropping.py").write_text(DROPPING)
    return write_images(tmp_path / "tiny.npz")


def _on(cluster: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object) -> AbstractContextManager[StandIn]:
        return cluster.connected()

    monkeypatch.setattr(placement, "opened", opened)


def _splits(config: BuildConfig) -> Splits:
    return load_data(config).splits


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("times", [1, 2])
def test_a_build_on_a_cluster_has_the_bytes_of_one_here(
    kind: str, times: int, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(data, **KINDS[kind])
    here = build(config, out=tmp_path / "here")
    assert len({len(history.rounds) for history in here.histories}) > ("different" in kind)
    cluster = StandIn(_splits(config), times=times)
    _on(cluster, monkeypatch)
    build(config, out=tmp_path / "there", placement=ON_DASK)
    assert run_files(tmp_path / "there") == run_files(tmp_path / "here")
    assert max(Counter(cluster.names).values()) == 1
    counted = Counter(
        (tuple(line["group"]), line["round"]) for line in logged_rounds(tmp_path / "there")
    )
    assert max(counted.values()) == 1
    assert {line["task"] for line in logged_rounds(tmp_path / "there")} < set(cluster.names)


@pytest.mark.parametrize("results", [0, 2, 5])
def test_a_cluster_that_goes_costs_what_it_was_training(
    results: int, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(data, archs=("mlp-a:8-6", "conv-b:3-4"))
    _on(first := StandIn(_splits(config), results=results), monkeypatch)
    with pytest.raises(MachineError, match="gone"):
        build(config, out=tmp_path / "there", placement=ON_DASK)
    kept = sum(len(h.rounds) for h in RunDirectory(tmp_path / "there").histories())
    assert kept == first.networks
    again = StandIn(_splits(config))
    _on(again, monkeypatch)
    build(config, out=tmp_path / "there", placement=ON_DASK)
    build(config, out=tmp_path / "here")
    assert run_files(tmp_path / "there") == run_files(tmp_path / "here")
    counted = Counter(
        (tuple(line["group"]), line["round"]) for line in logged_rounds(tmp_path / "there")
    )
    assert max(counted.values()) == 1


def test_a_build_goes_on_here_where_a_cluster_stopped(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(data)
    _on(StandIn(_splits(config), results=2), monkeypatch)
    with pytest.raises(MachineError):
        build(config, out=tmp_path / "there", placement=ON_DASK)
    built = build(config, out=tmp_path / "there")
    build(config, out=tmp_path / "here")
    assert run_files(tmp_path / "there") == run_files(tmp_path / "here")
    assert "scheduler" not in directory(built).config_file.read_text()


@pytest.mark.parametrize("at", [2, 5])
def test_a_build_stopped_in_mid_round_here_leaves_nothing_of_it_behind_on_a_cluster(
    at: int, data: Path, tmp_path: Path, epochs: Callable[[int | None], list[int]]
) -> None:
    config = tiny_config(data, **KINDS["late rewinding"])
    build(config, out=tmp_path / "here")
    epochs(at)
    with pytest.raises(KeyboardInterrupt):
        build(config, out=tmp_path / "there", placement=EACH_EPOCH)
    epochs(None)
    assert list((tmp_path / "there").rglob("training-*"))
    with pytest.MonkeyPatch.context() as patch:
        _on(StandIn(_splits(config)), patch)
        build(config, out=tmp_path / "there", placement=ON_DASK)
    assert run_files(tmp_path / "there") == run_files(tmp_path / "here")


def test_a_build_in_memory_trains_on_a_cluster(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tiny_config(data)
    here = build(config)
    _on(StandIn(_splits(config)), monkeypatch)
    there = build(config, placement=ON_DASK)
    np.testing.assert_array_equal(here.predictions.probabilities, there.predictions.probabilities)


def test_a_network_that_is_given_itself_is_refused_before_it_is_sent(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(data, archs=(nn.Sequential(nn.Flatten(), nn.Linear(16, 4), nn.ReLU(),
                                                    nn.Linear(4, 3)),))  # fmt: skip
    cluster = StandIn(_splits(config))
    _on(cluster, monkeypatch)
    with pytest.raises(RequestError, match="'Sequential' is given itself; name it module:factory"):
        build(config, placement=ON_DASK)
    assert not cluster.names


def _first_task(data: Path) -> tuple[RoundTask, Splits]:
    config = tiny_config(data)
    built = build(config)
    resolved = built.store.resolved
    return RoundTask.of(resolved, resolved.groups[0], ()), _splits(config)


def test_a_name_is_of_what_is_computed(data: Path) -> None:
    task, _ = _first_task(data)
    resolved, group = task.resolved, task.group
    assert RoundTask.of(resolved, group, ()).name == task.name
    others = [
        (dataclasses.replace(resolved, fingerprint="0" * 64), group, ()),
        (dataclasses.replace(resolved, config=tiny_config(data, seed=1)), group, ()),
        (resolved, dataclasses.replace(group, threads=2), ()),
        (resolved, dataclasses.replace(group, engine="loop"), ()),
        (resolved, group, build(tiny_config(data)).histories[0].rounds[:1]),
        (resolved, group, build(tiny_config(data, seed=7)).histories[0].rounds[:1]),
    ]
    assert len({task.name, *(RoundTask.of(*other).name for other in others)}) == 7


def test_workers_get_the_parts_that_they_train_on(data: Path) -> None:
    splits = _splits(tiny_config(data))
    sent = trained_on(splits)
    assert sent.sizes == {**splits.sizes, "select": 0, "test": 0}
    np.testing.assert_array_equal(sent.train.images, splits.train.images)


def test_a_worker_with_other_packages_is_refused(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task, splits = _first_task(data)
    monkeypatch.setattr(tasks, "versions", lambda: {**task.versions, "torch": "2.0.0"})
    with pytest.raises(MachineError, match=r"the worker .* has torch 2\.0\.0, not .*; install the"):
        train_round(task, splits)


def test_a_worker_of_another_processor_is_told_once(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tiny_config(data)
    _on(StandIn(_splits(config)), monkeypatch)
    monkeypatch.setattr(tasks, "vector_units", lambda: "ABACUS")
    with pytest.warns(UserWarning, match="computes with ABACUS, this machine with ") as said:
        build(config, out=tmp_path / "there", placement=ON_DASK)
    assert len(said) == 1


REFUSED = {
    "threads": ({"backend": "threading"}, "threads share torch's random generator"),
    "joblib's dask": ({"backend": "dask"}, "give the address .* as `scheduler`"),
    "no backend": ({"backend": "lokey"}, "did you mean 'loky'"),
    "two clusters": ({"scheduler": "tcp://a:1", "ray": "auto"}, "are two clusters; give one"),
    "jobs": ({"scheduler": "tcp://a:1", "jobs": 1}, "`jobs` 1 is for this machine"),
    "backend": ({"ray": "auto", "backend": "sequential"}, "`backend` 'sequential' is for this"),
    "no port": (
        {"scheduler": "10.0.0.1"},
        "is no address: allowed is such as tcp://10.0.0.1:8786",
    ),
    "a word": ({"ray": "local"}, "is no address: allowed is such as auto, "),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_placed_is_refused(case: str) -> None:
    asked, line = REFUSED[case]
    with pytest.raises(RequestError, match=line):
        Placement(**asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(("option", "address", "package", "extra"), [
    ("scheduler", "tcp://127.0.0.1:1", "distributed", "dask"), ("ray", "auto", "ray", "ray"),
])  # fmt: skip
def test_a_package_that_is_not_there_is_a_line_with_the_way_to_it(
    option: str, address: str, package: str, extra: str,
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, package, None)
    line = rf"`{option}` '{address}': {package} is not installed; pip install '.*\[{extra}\]'"
    with pytest.raises(RequestError, match=line):
        build(
            tiny_config(data), out=tmp_path / "run", placement=Placement(**{option: address})  # type: ignore[arg-type]
        )  # fmt: skip
    assert not (tmp_path / "run").exists(), "what is refused leaves nothing behind"


@pytest.mark.parametrize("scheme", ["", "ray://"])
def test_a_head_that_is_not_there_is_a_line_before_ray_waits_for_it(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[str] = []
    ray, errors = ModuleType("ray"), ModuleType("ray.exceptions")
    vars(ray).update(
        is_initialized=lambda: False, init=lambda address, **_: joined.append(address),
        exceptions=errors,
    )  # fmt: skip
    vars(errors).update(RayError=OSError)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setitem(sys.modules, "ray.exceptions", errors)
    monkeypatch.delenv("RAY_NUM_REDIS_GET_RETRIES", raising=False)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"{scheme}127.0.0.1:{server.getsockname()[1]}"
        with (
            pytest.raises(AttributeError),  # the stand-in is no cluster
            ray_cluster.connected(address, cast(Splits, None), "cpu", print),
        ):
            pass
    assert joined == [address], "a head that takes connections is joined"
    with (
        pytest.raises(RequestError, match=f"`ray` '{address}': no Ray cluster takes us there"),
        ray_cluster.connected(address, cast(Splits, None), "cpu", print),
    ):
        pass
    assert joined == [address]
    assert os.environ["RAY_NUM_REDIS_GET_RETRIES"] == "1", "one wait, not twenty"
