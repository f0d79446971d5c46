"""What is drawn in threads depends on the seed alone, whatever else runs in the process."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from sklearn.datasets import load_iris

import dropnet_ensemble as de
from pruning.core.seeds import seeded, set_back, torch_generator
from pruning.core.threads import threads


def drawn(seed: int) -> list[float]:
    """Draw from all three global generators, now and then, as a network does that is made."""
    with seeded(torch_generator(seed, "initial")):
        return [
            draw()
            for _ in range(300)
            for draw in (
                lambda: torch.rand(()).item(),
                np.random.rand,
                random.random,
            )
        ]


def test_threads_draw_what_each_draws_alone() -> None:
    seeds = [0, 1, 2, 3]
    begin = threading.Barrier(len(seeds))

    def at_once(seed: int) -> list[float]:
        begin.wait()
        return drawn(seed)

    with ThreadPoolExecutor(len(seeds)) as pool:
        assert list(pool.map(at_once, seeds)) == [drawn(seed) for seed in seeds]


def test_nobody_draws_while_generators_are_to_be_set_back() -> None:
    entered, done = threading.Event(), threading.Event()

    def other() -> None:
        entered.wait()
        drawn(0)
        done.set()

    thread = threading.Thread(target=other)
    thread.start()
    with set_back():
        entered.set()
        assert not done.wait(0.2)
    thread.join()
    assert done.is_set()


def test_the_number_of_threads_is_set_back_to_what_it_was_whoever_else_sets_it() -> None:
    before, begin = torch.get_num_threads(), threading.Barrier(4)

    def sets(count: int) -> set[int]:
        begin.wait()
        seen = set()
        for _ in range(200):
            with threads(count):
                seen.add(torch.get_num_threads())
        return seen

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(sets, (1, 2, 1, 2))) == [{1}, {2}, {1}, {2}]
    assert torch.get_num_threads() == before


def test_who_loads_does_not_wait_for_who_trains() -> None:
    """A training takes hours; generators are held for an epoch."""
    done = threading.Event()

    def loads() -> None:
        drawn(0)
        done.set()

    with threads(1):
        threading.Thread(target=loads, daemon=True).start()
        assert done.wait(20)


def test_fits_in_threads_give_what_each_gives_alone() -> None:
    x, y = load_iris(return_X_y=True)

    def fitted(seed: int) -> bytes:
        clf = de.DropNetEnsembleClassifier(m=2, s=1, epochs=2, seed=seed, arch="mlp-a:8-6")
        return clf.fit(x, y).predict_proba(x).tobytes()

    alone = [fitted(seed) for seed in (0, 1)]
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(fitted, (0, 1))) == alone
