from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ensemble.model import Ensemble
from ensemble.uncertainty import uncertainty


def test_members_that_say_the_same_share_no_information() -> None:
    p = np.random.default_rng(0).dirichlet(np.ones(5), 30)
    found = uncertainty(np.stack([p, p, p]), p.argmax(-1))
    np.testing.assert_allclose(found.mutual_information, 0, atol=1e-12)
    np.testing.assert_allclose(found.agreement, 1)
    np.testing.assert_allclose(found.entropy, -(p * np.log(p)).sum(-1))


def test_by_hand() -> None:
    certain = np.eye(3)[[0, 1, 2, 0]][:, None]
    found = uncertainty(certain, np.array([0]))
    assert found.agreement[0] == 0.5
    assert found.mutual_information[0] == pytest.approx(1.5 * np.log(2))
    assert found.entropy[0] == pytest.approx(1.5 * np.log(2))


def test_of_a_loaded_ensemble(team: Ensemble, images: Callable) -> None:
    found = team.uncertainty(images())
    assert ((found.mutual_information >= 0) & (found.mutual_information <= found.entropy)).all()
    named = team.predict_members(images()).argmax(-1) == team.predict(images())
    np.testing.assert_array_equal(found.agreement, named.mean(0))
