from __future__ import annotations

import math

import pytest

from pruning.core.errors import RequestError
from pruning.training.recipe import RECIPES, Recipe
from pruning.training.usual import LEAST_STEPS

PHOTOS = {"kind": "other", "shape": (3, 32, 32), "samples": 1600}
ROWS = {"kind": "plain-mlp", "shape": (64,), "samples": 1078}


def test_the_rate_rises_to_its_highest_and_falls_to_nothing_at_the_last_step() -> None:
    recipe = Recipe(learning_rate=0.1, schedule="cosine", warmup=2, max_epochs=10)
    rates = [rate for epoch in range(10) for rate in recipe.rates(epoch, 5)]
    assert rates[:10] == pytest.approx([0.01 * k for k in range(1, 11)])
    assert rates[10:] == pytest.approx([0.05 * (1 + math.cos(math.pi * k / 40)) for k in range(40)])
    assert rates[-1] < 0.001


def test_a_constant_rate_stays_after_its_warm_up() -> None:
    recipe = Recipe(learning_rate=0.1, schedule="constant", warmup=1, max_epochs=3)
    assert recipe.rates(0, 2) == pytest.approx([0.05, 0.1])
    assert recipe.rates(2, 2) == [0.1, 0.1]


def test_the_first_versions_rate_falls_by_epochs() -> None:
    recipe = Recipe(learning_rate=1.0, schedule="by-epoch", max_epochs=4)
    rates = [recipe.rates(epoch, 3) for epoch in range(4)]
    assert all(len(set(each)) == 1 for each in rates)
    assert [each[0] for each in rates] == pytest.approx([1.0, 0.8535534, 0.5, 0.1464466])


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize(
    "about", [PHOTOS, ROWS, PHOTOS | {"samples": 40_000}, PHOTOS | {"kind": "normed"}]
)
def test_nothing_is_left_open_but_a_patience_that_would_end_a_schedule(
    name: str, about: dict[str, object]
) -> None:
    resolved = RECIPES[name].resolved(**about)  # type: ignore[arg-type]
    open_fields = [field for field, value in vars(resolved).items() if value is None]
    assert open_fields == (["patience"] if resolved.schedule == "cosine" else [])
    assert resolved.resolved(**about) == resolved  # type: ignore[arg-type]


def test_photos_are_augmented_and_nothing_else_is() -> None:
    grey = PHOTOS | {"shape": (1, 28, 28)}
    signals = PHOTOS | {"shape": (3, 100)}
    found = [Recipe().resolved(**about).augment for about in (PHOTOS, grey, signals, ROWS)]  # type: ignore[arg-type]
    assert found == ["photo", "none", "none", "none"]
    assert Recipe().resolved(**PHOTOS | {"kind": "plain-mlp"}).augment == "none"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("about", "asked", "optimizer", "rate"),
    [
        ({}, {}, "sgd", 0.2),
        ({"shape": (1, 28, 28), "samples": 40_000}, {}, "sgd", 0.2),
        ({}, {"optimizer": "adamw"}, "adamw", 0.002),
        ({}, {"learning_rate": 0.1}, "sgd", 0.1),
        ({}, {"patience": 5}, "adamw", 0.002),
        ({}, {"schedule": "constant", "optimizer": "sgd"}, "sgd", 0.2),
        ({}, {"fine_tuning": True}, "adamw", 0.002),
        ({}, {"normed_by_sgd": False}, "adamw", 0.002),
        ({}, {"fine_tuning": True, "optimizer": "sgd"}, "sgd", 0.05),
        ({"shape": (3, 100)}, {}, "adamw", 0.002),
        ({"kind": "other"}, {}, "adamw", 0.002),
        ({"kind": "other"}, {"optimizer": "sgd"}, "sgd", 0.05),
    ],
)
def test_sgd_takes_large_steps_where_norms_keep_them_in_bounds(
    about: dict[str, object], asked: dict[str, object], optimizer: str, rate: float
) -> None:
    resolved = Recipe(**asked).resolved(**PHOTOS | {"kind": "normed"} | about)  # type: ignore[arg-type]
    assert (resolved.optimizer, resolved.learning_rate) == (optimizer, rate)
    sgd = optimizer == "sgd"
    assert (resolved.momentum, resolved.weight_decay) == ((0.9, 5e-4) if sgd else (0.0, 0.05))


def test_many_samples_are_seen_less_often_unless_they_are_augmented() -> None:
    many = PHOTOS | {"samples": 10_000}
    epochs = [
        Recipe(augment=augment).resolved(**about).max_epochs  # type: ignore[arg-type]
        for about in (PHOTOS, many, many | {"shape": (1, 28, 28)})
        for augment in (None, "none", "shift")
    ]
    assert epochs == [50, 30, 50, 30, 12, 30, 12, 12, 30]


@pytest.mark.parametrize(
    ("samples", "batch_size", "epochs"),
    [
        (60, None, 100),
        (800, None, 97),
        (1600, None, 50),
        (3200, None, 30),
        (6400, None, 30),
        (1600, 16, 30),
    ],
)
def test_few_augmented_images_are_seen_for_1250_steps(
    samples: int, batch_size: int | None, epochs: int
) -> None:
    about = PHOTOS | {"samples": samples}
    resolved = Recipe(batch_size=batch_size).resolved(**about)  # type: ignore[arg-type]
    assert resolved.max_epochs == epochs
    if 30 < epochs < 100:
        steps = math.ceil(samples / (resolved.batch_size or 1))
        assert (epochs - 1) * steps < LEAST_STEPS <= epochs * steps
    asked = Recipe(batch_size=batch_size, max_epochs=7).resolved(**about)  # type: ignore[arg-type]
    assert asked.max_epochs == 7


def test_patience_ends_no_schedule_that_has_not_come_down() -> None:
    with pytest.raises(RequestError, match="`patience` 5 would end a schedule"):
        Recipe(patience=5, schedule="cosine")
    assert Recipe(patience=5).resolved(**PHOTOS).schedule == "constant"  # type: ignore[arg-type]


def test_a_warm_up_leaves_something_to_train() -> None:
    with pytest.raises(RequestError, match="`warmup` 4 leaves nothing of `max_epochs` 4"):
        Recipe(warmup=4, max_epochs=4)
    for epochs in (1, 2, 9, 10, 30):
        resolved = Recipe(max_epochs=epochs).resolved(**PHOTOS)  # type: ignore[arg-type]
        assert resolved.warmup == epochs // 10 < epochs
    with pytest.raises(RequestError, match="`warmup` 50 leaves nothing of `max_epochs` 50"):
        Recipe(warmup=50).resolved(**PHOTOS)  # type: ignore[arg-type]


def test_the_papers_recipe_is_as_published() -> None:
    paper = RECIPES["paper"]
    assert None not in vars(paper).values()
    assert (paper.optimizer, paper.learning_rate, paper.momentum) == ("sgd", 0.1, 0.0)
    assert (paper.schedule, paper.patience, paper.keep) == ("constant", 5, "last")
