"""Windows: their inputs, which hold no future value, and their normalisation."""

import numpy as np
import pytest

from anaphora.tasks.forecast.windows import DIFFERENCES, ScaledSeries, WindowShape, windows


def series(T: int = 40, first: float = 0.0, F: int = 2) -> ScaledSeries:
    known = np.arange(F * (T + 10), dtype=np.float32).reshape(-1, F)
    return ScaledSeries(first + np.sin(np.arange(T)) + 0.1 * np.arange(T), known, 5.0, 2.0)


def shape(difference: str = "last", scale: bool = False, segment: int = 1) -> WindowShape:
    return WindowShape(6, 4, segment, 3, difference, scale)


def test_every_origin_with_history_and_horizon_is_a_window_once() -> None:
    dataset = windows([series(40), series(12), series(5)], shape(), [0, 8, 0], [40, 12, 5])
    assert dataset.origin_N[dataset.series_N == 0].tolist() == list(range(6, 37))
    assert dataset.origin_N[dataset.series_N == 1].tolist() == [8]
    assert not (dataset.series_N == 2).any()
    epoch = dataset.epoch(5, np.random.default_rng(0))
    assert sorted(np.concatenate(epoch).tolist()) == list(range(len(dataset)))


@pytest.mark.parametrize("difference", DIFFERENCES)
@pytest.mark.parametrize("scale", [False, True])
def test_normalisation_is_reversible(difference: str, scale: bool) -> None:
    dataset = windows([series(), series(30, 100.0)], shape(difference, scale), [0, 0], [40, 30])
    chosen = np.array([0, 7, len(dataset) - 1])
    batch, taken = dataset.batch(chosen), dataset.take(chosen)
    *_, offset_Bh, unit_B1 = batch.inputs
    np.testing.assert_allclose(offset_Bh + unit_B1 * batch.targets, dataset.truth()[chosen], rtol=1e-5)
    if scale:
        np.testing.assert_allclose(np.square(taken.normalized).mean(1), 1, rtol=1e-6)


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_no_value_of_the_future_reaches_an_input(difference: str) -> None:
    true, planted = series(), series()
    planted.values_T[20:] = 1e6
    inputs = []
    for one in (true, planted):
        dataset = windows([one], shape(difference), [0], [40])
        inputs.append(dataset.take(np.flatnonzero(dataset.origin_N == 20)).inputs())
    for first, second in zip(*inputs, strict=True):
        np.testing.assert_array_equal(first, second)


def test_a_constant_window_has_a_unit() -> None:
    flat = ScaledSeries(np.ones(20), np.zeros((20, 1), np.float32), 0.0, 1.0)
    inputs = windows([flat], shape("last", scale=True), [0], [20]).batch(np.arange(3)).inputs
    assert all(np.isfinite(array).all() for array in inputs)


@pytest.mark.parametrize("segment", [1, 2, 3])
def test_segments_hold_the_steps_column_by_column(segment: int) -> None:
    dataset = windows([series()], shape("none", segment=segment), [0], [40])
    x_BSI, lengths_B, known_BPJ, positions_BP, *_ = dataset.take(np.array([0])).inputs()
    assert x_BSI.shape == (1, 6 // segment, 3 * segment)
    assert lengths_B.tolist() == [6 // segment]
    np.testing.assert_allclose(x_BSI[0, :, :segment].ravel(), series().values_T[:6], rtol=1e-6)
    known = known_BPJ.reshape(1, -1, 2, segment).swapaxes(2, 3).reshape(-1, 2)
    np.testing.assert_array_equal(known[:4], series().known_AF[6:10])
    assert not known[4:].any()  # what fills the last segment
    assert positions_BP.tolist() == [list(range(-(-4 // segment)))]
