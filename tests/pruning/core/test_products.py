"""A product of finite numbers is NumPy's, and no stray flag becomes a warning."""

from __future__ import annotations

import numpy as np

from pruning.core.products import product


class Stray(np.ndarray):
    """An array whose product sets the flag for an invalid operation, as a kernel may."""

    def __matmul__(self, other: object) -> np.ndarray:
        np.array(np.inf) - np.array(np.inf)
        return np.ones((2, 2))


def test_a_product_is_numpys() -> None:
    rng = np.random.default_rng(0)
    left, right = rng.normal(size=(3, 4, 5)), rng.normal(size=(3, 5, 2))
    assert np.array_equal(product(left, right), left @ right)


def test_a_stray_flag_is_no_warning() -> None:
    """Warnings are errors here."""
    stray = np.zeros((2, 2)).view(Stray)
    assert np.array_equal(product(stray, stray), np.ones((2, 2)))
