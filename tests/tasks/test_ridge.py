"""The linear autoregression."""

import numpy as np
from sklearn.linear_model import Ridge

from anaphora.data.origins import Shape, Strand, origins
from anaphora.tasks.ridge import Autoregression


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
