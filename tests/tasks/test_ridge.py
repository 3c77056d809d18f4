"""The linear autoregression."""

import numpy as np
from sklearn.linear_model import Ridge

from anaphora.tasks.forecast.windows import Shape, Strand, origins
from anaphora.tasks.forecast.autoregression import Autoregression


def windows(values: np.ndarray, difference: str = "none"):
    known = np.zeros((len(values) + 9, 1), np.float32)
    return origins([Strand(values, known, 0.0, 1.0)], Shape(5, 3, 1, 1, difference, False), [0], [len(values)])


def test_it_is_the_ridge_regression_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    some = windows(rng.normal(size=80).cumsum())
    fitted = Autoregression.fit(some)
    view = some.view(np.arange(len(some)))
    size = (np.trace(view.recent.T @ view.recent) + len(some)) / (view.recent.shape[1] + 1)
    theirs = Ridge(alpha=fitted.strength * size).fit(view.recent, some.came(np.arange(len(some))))
    np.testing.assert_allclose(fitted.answer(view), theirs.predict(view.recent), rtol=1e-6)


def test_it_goes_on_with_a_wave_and_a_trend() -> None:
    t = np.arange(120.0)
    some = windows(np.sin(t / 3) + 0.05 * t, "last")
    error = Autoregression.fit(some).answer(some.view(np.arange(len(some)))) - some.truth()
    assert np.abs(error).max() < 1e-3


def test_noise_wants_a_strong_ridge() -> None:
    rng = np.random.default_rng(1)
    noise, wave = (
        Autoregression.fit(windows(values)).strength for values in (rng.normal(size=60), np.sin(np.arange(60) / 3))
    )
    assert noise > wave


def test_unseen_windows_are_foretold_by_those_that_share_no_step_with_them() -> None:
    some = windows(np.random.default_rng(2).normal(size=80).cumsum(), "last")
    fitted = Autoregression.fit(some)
    view, came = some.view(np.arange(len(some))), some.came(np.arange(len(some)))
    answers = fitted.unseen(some)
    for own in np.array_split(np.arange(len(some)), 10):
        steps = {step for window in own for step in range(some.origin_N[window], some.origin_N[window] + 3)}
        left = [w for w in range(len(some)) if not steps & set(range(some.origin_N[w], some.origin_N[w] + 3))]
        x = np.concatenate([view.recent, np.ones((len(some), 1))], 1)
        alpha = fitted.strength * np.square(x[left]).sum() / x.shape[1]
        theirs = Ridge(alpha=alpha).fit(view.recent[left], (came - view.offset)[left])
        np.testing.assert_allclose(answers[own], (theirs.predict(view.recent) + view.offset)[own], rtol=1e-4)


def test_with_hardly_a_window_left_nothing_is_said_of_unseen_ones() -> None:
    some = windows(np.random.default_rng(3).normal(size=10))
    assert len(some) == 3
    assert np.isnan(Autoregression.fit(some).unseen(some)).all()
