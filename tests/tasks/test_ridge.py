"""The linear autoregression."""

import numpy as np
from sklearn.linear_model import Ridge

from anaphora.tasks.forecast.autoregression import Autoregression
from anaphora.tasks.forecast.windows import ScaledSeries, WindowShape, windows


def windows_of(values: np.ndarray, difference: str = "none"):
    known = np.zeros((len(values) + 9, 1), np.float32)
    return windows(
        [ScaledSeries(values, known, 0.0, 1.0)], WindowShape(5, 3, 1, 1, difference, False), [0], [len(values)]
    )


def test_it_is_the_ridge_regression_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    some = windows_of(rng.normal(size=80).cumsum())
    fitted = Autoregression.fit(some)
    batch = some.take(np.arange(len(some)))
    size = (np.trace(batch.linear_inputs.T @ batch.linear_inputs) + len(some)) / (batch.linear_inputs.shape[1] + 1)
    theirs = Ridge(alpha=fitted.strength * size).fit(batch.linear_inputs, some.actual(np.arange(len(some))))
    np.testing.assert_allclose(fitted.answer(batch), theirs.predict(batch.linear_inputs), rtol=1e-6)


def test_it_continues_a_wave_and_a_trend() -> None:
    t = np.arange(120.0)
    some = windows_of(np.sin(t / 3) + 0.05 * t, "last")
    error = Autoregression.fit(some).answer(some.take(np.arange(len(some)))) - some.truth()
    assert np.abs(error).max() < 1e-3


def test_noise_needs_a_strong_ridge() -> None:
    rng = np.random.default_rng(1)
    noise, wave = (
        Autoregression.fit(windows_of(values)).strength for values in (rng.normal(size=60), np.sin(np.arange(60) / 3))
    )
    assert noise > wave


def test_out_of_fold_answers_are_fitted_on_windows_that_share_no_step() -> None:
    some = windows_of(np.random.default_rng(2).normal(size=80).cumsum(), "last")
    fitted = Autoregression.fit(some)
    batch, actual = some.take(np.arange(len(some))), some.actual(np.arange(len(some)))
    answers = fitted.out_of_fold(some)
    for fold in np.array_split(np.arange(len(some)), 10):
        steps = {step for window in fold for step in range(some.origin_N[window], some.origin_N[window] + 3)}
        left = [w for w in range(len(some)) if not steps & set(range(some.origin_N[w], some.origin_N[w] + 3))]
        x = np.concatenate([batch.linear_inputs, np.ones((len(some), 1))], 1)
        alpha = fitted.strength * np.square(x[left]).sum() / x.shape[1]
        theirs = Ridge(alpha=alpha).fit(batch.linear_inputs[left], (actual - batch.offset)[left])
        np.testing.assert_allclose(answers[fold], (theirs.predict(batch.linear_inputs) + batch.offset)[fold], rtol=1e-4)


def test_with_too_few_windows_left_there_are_no_out_of_fold_answers() -> None:
    some = windows_of(np.random.default_rng(3).normal(size=10))
    assert len(some) == 3
    assert np.isnan(Autoregression.fit(some).out_of_fold(some)).all()
