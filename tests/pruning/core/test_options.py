"""What is said of a setting is what is checked."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pruning.core.errors import RequestError
from pruning.core.option_checks import check_options
from pruning.core.options import Range, RegistryNames, group, option
from pruning.core.settings_json import from_json, to_json
from pruning.core.settings_tree import asked, changed, made, settings_of


@dataclass(frozen=True)
class Oven:
    """Settings of every type."""

    heat: float = option(180.0, "Degrees.", above=0, most=300)
    minutes: int | None = option(None, "How long.", least=1, unset="until done")
    mode: Literal["fan", "grill"] = option("fan", "How.", formerly={"turbo": "fan"})
    trays: tuple[str, ...] = option((), "What goes in.", flag="tray")
    light: bool = option(True, "Whether it is lit.")
    cook: str | Callable[..., object] = option("none", "Who does it.", flag=None)
    hidden: int = option(3, "Not for everyone.", flag=None)

    def __post_init__(self) -> None:
        check_options(self)


OVENS = {"plain": Oven(), "pizza": Oven(heat=300.0, hidden=7)}


@dataclass(frozen=True)
class Kitchen:
    """Settings that hold settings."""

    cooks: int = option(1, "Who cooks.", least=1, section="People")
    oven: Oven = group(Oven, section="Oven", presets=OVENS, flag="programme", help="Which.")

    def __post_init__(self) -> None:
        check_options(self)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"heat": 0}, "`heat` 0: allowed more than 0, up to 300; the default is 180.0"),
        ({"heat": math.nan}, "`heat` nan: allowed finite numbers, more than 0"),
        ({"heat": math.inf}, "`heat` inf: allowed"),
        ({"heat": "hot"}, "`heat` 'hot': allowed"),
        ({"heat": True}, "`heat` True: allowed"),
        ({"heat": None}, "`heat` None: allowed"),
        ({"minutes": 0}, "`minutes` 0: allowed 1 and more; the default is until done"),
        ({"minutes": 2.5}, "`minutes` 2.5: allowed whole numbers, 1 and more"),
        ({"minutes": False}, "`minutes` False: allowed"),
        ({"mode": "grll"}, "unknown mode 'grll'; did you mean 'grill'"),
        ({"mode": ""}, "`mode` '': allowed fan, grill; the default is fan"),
        ({"trays": ("bread", "")}, "`trays` '': allowed a text that is not empty"),
        ({"trays": 3}, "`trays` 3: allowed"),
        (
            {"cook": 3},
            "`cook` 3: allowed a text that is not empty, or a function",
        ),
        ({"light": 1}, "`light` 1: allowed True, False"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_in_one_line(
    change: dict[str, object], said: str
) -> None:
    with pytest.raises(RequestError) as error:
        Oven(**change)  # type: ignore[arg-type]
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_equal_settings_have_one_form_however_they_were_spelt() -> None:
    oven = Oven(heat=np.float32(200), minutes=np.int64(3), mode="turbo", trays=["a"])  # type: ignore[arg-type]
    assert oven == Oven(heat=200.0, minutes=3, mode="fan", trays=("a",))
    assert [type(value) for value in dataclasses.astuple(oven)[:4]] == [float, int, str, tuple]
    assert Oven(trays="bread").trays == ("bread",)  # type: ignore[arg-type]
    assert Oven(cook=len).cook is len
    assert Oven(trays=(Path("a") / "b",)).trays == ("a/b",)  # type: ignore[arg-type]


@given(
    st.none() | st.integers(-3, 3), st.none() | st.integers(-3, 3), st.floats() | st.integers(-4, 4)
)
def test_a_range_holds_what_its_words_say(
    least: int | None, below: int | None, value: float
) -> None:
    holds = (
        math.isfinite(value)
        and (least is None or least <= value)
        and (below is None or value < below)
    )
    assert (value in Range(least=least, below=below)) == holds


def test_every_option_is_listed_with_what_was_said_of_it() -> None:
    found = {setting.name: setting for setting in settings_of(Kitchen)}
    assert list(found) == ["cooks", "programme", "heat", "minutes", "mode", "tray", "light"]
    assert {name: setting.section for name, setting in found.items()} == {
        "cooks": "People"
    } | dict.fromkeys(list(found)[1:], "Oven")
    assert found["cooks"].default == 1
    assert found["heat"].default is None, "the programme decides"
    assert found["heat"].default_text == "180.0, or the programme's"
    assert found["minutes"].default_text == "until done, or the programme's"
    assert found["tray"].flag == "--tray"
    assert found["light"].negated == "--no-light"
    assert found["programme"].allowed == "plain, pizza"


def test_a_preset_is_the_base_that_options_change() -> None:
    kitchen = made(Kitchen, {"programme": "pizza", "minutes": 8, "cooks": None, "tray": ()})
    assert kitchen == Kitchen(oven=Oven(heat=300.0, hidden=7, minutes=8))
    assert asked(kitchen) == {"programme": "pizza", "minutes": 8}
    assert changed(kitchen, {"heat": 250.0}).oven.minutes == 8
    with pytest.raises(RequestError, match="unknown programme 'piza'; did you mean 'pizza'"):
        made(Kitchen, {"programme": "piza"})
    with pytest.raises(RequestError, match="unknown option 'cook'; did you mean 'cooks'"):
        made(Kitchen, {"cook": 2})


kitchens = st.builds(
    made,
    st.just(Kitchen),
    st.fixed_dictionaries(
        {},
        optional={
            "cooks": st.integers(1, 9),
            "programme": st.sampled_from(["plain", "pizza"]),
            "heat": st.floats(0.5, 300),
            "minutes": st.none() | st.integers(1, 99),
            "mode": st.sampled_from(["fan", "grill", "turbo"]),
            "tray": st.lists(st.text(min_size=1), max_size=3).map(tuple),
            "light": st.booleans(),
        },
    ),
)


@given(kitchens)
def test_flat_options_and_json_give_the_settings_back(kitchen: Kitchen) -> None:
    assert made(Kitchen, asked(kitchen)) == kitchen
    assert from_json(Kitchen, to_json(kitchen)) == kitchen


def test_none_takes_off_a_number_that_may_be_left_out_and_nothing_else() -> None:
    kitchen = Kitchen(oven=Oven(minutes=40))
    assert changed(kitchen, {"minutes": None}) == kitchen
    assert changed(kitchen, {"minutes": "none"}) == Kitchen()
    assert made(Kitchen, {"minutes": "none"}) == Kitchen()
    assert [s.name for s in settings_of(Kitchen) if s.may_be_none] == ["minutes"]
    for name in ("heat", "cooks"):
        with pytest.raises(RequestError, match=rf"`{name}` 'none': allowed"):
            changed(kitchen, {name: "none"})


def test_old_words_and_missing_fields_are_read_and_unknown_fields_are_not() -> None:
    stored = {"cooks": 2, "oven": {"mode": "turbo", "trays": ["a"]}}
    kitchen = from_json(Kitchen, stored)
    assert kitchen == Kitchen(cooks=2, oven=Oven(trays=("a",)))
    assert to_json(kitchen)["oven"]["mode"] == "fan"
    assert to_json(kitchen, formerly=True)["oven"]["mode"] == "turbo"
    with pytest.raises(ValueError, match="unknown setting 'colour'"):
        from_json(Kitchen, {"colour": "red"})


def test_names_of_a_registry_are_checked_without_what_they_do_not_name() -> None:
    names = RegistryNames("pruning.scores.score:SCORES", ("oracle",), ("_layer",))
    assert {"minimum", "oracle"} <= set(names.offered)
    for name in ("minimum", "minimum_layer", "oracle", "my_scores:Mine"):
        names.check("metric", name)
    with pytest.raises(RequestError, match="unknown metric 'minimum_layr'; did you mean 'minimum_"):
        names.check("metric", "minimum_layr")
    with pytest.raises(RequestError, match="unknown metric 'oracle_layer'"):
        names.check("metric", "oracle_layer")
