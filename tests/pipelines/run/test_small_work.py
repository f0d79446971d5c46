"""What `--device auto` leaves to the processor: little work of plain MLPs, whatever the machine."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.run.config import BuildConfig
from pipelines.run.small_work import LEAST_TOGETHER, MOST, is_small

SHAPE = (1, 8, 8)
MLP_A = 64 * 40 + 40 + 40 * 40 + 40 + 40 * 10 + 10


def _config(**options: object) -> BuildConfig:
    return BuildConfig.of(**{"m": 4, "s": 1, **options})


@given(st.integers(1, 60), st.integers(10, 5_000), st.integers(1, 200))
def test_the_work_is_counted_by_members_samples_parameters_and_epochs(
    m: int, samples: int, epochs: int
) -> None:
    counted = max(m * MLP_A, LEAST_TOGETHER) * samples * epochs
    config = _config(m=m, epochs=epochs, batch_size=1)
    assert is_small(config, 10, SHAPE, samples) == (counted <= MOST)


def test_a_mixed_pool_is_as_much_work_as_its_parts() -> None:
    pair = _config(m=8, arch=("mlp-a", "mlp-a:41-40"), epochs=20)
    alone = _config(m=8, epochs=40)
    sizes = [n for n in range(100, 5_000, 20) if is_small(pair, 10, SHAPE, n)]
    assert max(sizes) > max(n for n in range(100, 5_000, 20) if is_small(alone, 10, SHAPE, n))


def test_other_networks_and_engines_are_never_small_work() -> None:
    assert is_small(_config(), 10, SHAPE, 100)
    assert not is_small(_config(arch="conv-b:2-2"), 10, SHAPE, 100)
    assert not is_small(_config(arch=("mlp-a", "conv-b:2-2")), 10, SHAPE, 100)
    assert not is_small(_config(engine="stacked"), 10, SHAPE, 100)
