"""The options of a build as parameters: what is given is checked, None and jobs too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipelines.run.parameters import DEFAULTS, check_names, config_of, placement_of
from pruning.core.errors import RequestError

WHOLE = ("m", "s", "seed", "epochs", "rounds", "batch_size", "round_to")


def refused(**given: Any) -> str:
    with pytest.raises(RequestError) as found:
        config_of(DEFAULTS | given)
    return str(found.value)


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize(
    "value", [True, 1.5, 2.0, "3", -1, [1], np.random.RandomState(0), np.float64(2), object(), b"3"]
)
def test_what_is_no_whole_number_is_refused_by_name(name: str, value: Any) -> None:
    assert name in DEFAULTS
    told = refused(**{name: value})
    assert told.startswith(f"`{name}` ")
    assert ": allowed " in told


@pytest.mark.parametrize("name", [name for name, usual in DEFAULTS.items() if name != "jobs"])
def test_none_is_refused_where_it_is_not_the_default(name: str) -> None:
    if DEFAULTS[name] in (None, ()):
        assert config_of(DEFAULTS | {name: None}) == config_of(DEFAULTS)
    else:
        for nothing in (None, ()):
            told = refused(**{name: nothing})
            assert told.startswith(f"`{name}` {nothing}: allowed ")
            assert "; the default is " in told


def test_numpy_integers_are_whole_numbers() -> None:
    given = {"m": np.int64(7), "seed": np.uint8(3), "s": np.int32(2)}
    assert config_of(DEFAULTS | given) == config_of(DEFAULTS | {"m": 7, "seed": 3, "s": 2})


def test_several_architectures_are_a_list_or_a_tuple() -> None:
    wanted = config_of(DEFAULTS | {"arch": ("mlp-a:8-8", "mlp-a")})
    assert config_of(DEFAULTS | {"arch": ["mlp-a:8-8", "mlp-a"]}) == wanted
    assert wanted.archs == ("mlp-a:8-8", "mlp-a")
    assert config_of(DEFAULTS | {"arch": "mlp-a"}) == config_of(DEFAULTS)
    assert "`arch` 5: allowed " in refused(arch=5)
    assert "`arch` 5: allowed " in refused(arch=["mlp-a", 5])


class Vote:
    """No plug-in of this package's."""

    def __repr__(self) -> str:
        return "Vote()"


@pytest.mark.parametrize(
    ("name", "registry", "file"),
    [
        ("metric", "pruning.scores.score.SCORES", True),
        ("method", "selection.methods.method.METHODS", True),
        ("measure", "selection.measures.measure.MEASURES", True),
        ("voting", "selection.voting.rule.VOTES", False),
    ],
)
def test_an_object_is_told_the_names_it_can_be_given_by(
    name: str, registry: str, file: bool
) -> None:
    told = refused(**{name: [Vote()] if name == "measure" else Vote()})
    assert told.startswith(f"`{name}` Vote(): allowed ")
    assert told.endswith(f"{registry}.register(name) entered it as")
    assert ("'module:Class' for a class in a file" in told) == file


def test_minus_one_is_a_job_per_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.run.resources.usable_cores", lambda: 3)
    assert placement_of(-1).processes == 3
    assert placement_of(2).processes == 2
    assert placement_of(np.int64(1)).processes == 1


@pytest.mark.parametrize("jobs", [0, -2, 10**6, None, True, 1.0, -1.0, "2", [1]])
def test_other_jobs_are_refused_with_the_estimators_default(jobs: Any) -> None:
    with pytest.raises(RequestError) as found:
        placement_of(jobs)
    told = str(found.value)
    assert told.startswith(f"`jobs` {jobs!r}: allowed 1 to ")
    assert told.endswith("and -1, one per core; the default is 1")


def test_options_that_belong_elsewhere_are_said_to() -> None:
    """Every option of the command is a parameter, or is refused with where it belongs."""
    from pipelines.commands.making import build

    others = {str(one.name) for one in build.params} - {*DEFAULTS, "help"}
    assert {"data", "control", "small_team", "unpruned_from", "out", "time_limit"} <= others
    for name in others:
        with pytest.raises(RequestError, match=f"^'{name}' is no parameter: .*(`fit`|alone)$"):
            check_names([name])
    check_names(DEFAULTS)
