"""Margins make intervals cover as much as they should."""

import numpy as np
import pytest

from anaphora.tasks.forecast.calibration import margins

LEVELS = (0.1, 0.25, 0.5, 0.75, 0.9)


def test_intervals_with_margins_cover_what_they_should() -> None:
    rng = np.random.default_rng(0)
    normal = np.array([-1.2816, -0.6745, 0, 0.6745, 1.2816])
    quantiles = np.tile(0.3 * normal, (2_000, 3, 1))  # by far too narrow
    moved = quantiles + margins(quantiles[:1_000], rng.normal(size=(1_000, 3)), LEVELS)
    truth = rng.normal(size=(1_000, 3))
    for low, high, share in ((0, 4, 0.8), (1, 3, 0.5)):
        inside = (moved[1_000:, :, low] <= truth) & (truth <= moved[1_000:, :, high])
        assert inside.mean() == pytest.approx(share, abs=0.03)
    np.testing.assert_allclose(moved[0, 0], normal, atol=0.1)


def test_wide_intervals_are_narrowed() -> None:
    quantiles = np.tile([-9.0, -8, 0, 8, 9], (500, 2, 1))
    added = np.array(margins(quantiles, np.random.default_rng(1).normal(size=(500, 2)), LEVELS))
    np.testing.assert_allclose(quantiles[0, 0] + added, [-1.28, -0.67, 0, 0.67, 1.28], atol=0.15)


def test_the_rank_of_few_windows_is_rounded_up() -> None:
    quantiles = np.zeros((4, 1, 3))
    assert margins(quantiles, np.array([[1.0], [-2], [3], [4]]), (0.25, 0.5, 0.75)) == (-3, 0, 3)  # 3 of 4 are within
    assert margins(quantiles[:1], np.array([[-2.0]]), (0.1, 0.5, 0.9)) == (-2, 0, 2)


def test_the_rank_is_not_one_too_high_through_rounding() -> None:
    """0.8 - 0.2 is a little more than 0.6."""
    truth = np.array([[1.0], [-2], [3], [4]])
    assert margins(np.zeros((4, 1, 3)), truth, (0.2, 0.5, 0.8)) == (-3, 0, 3)  # 3 of 4 are within


def test_a_level_without_its_opposite_has_no_margin() -> None:
    assert margins(np.zeros((9, 2, 2)), np.ones((9, 2)), (0.1, 0.5)) == (0, 0)
