"""Windows: what may be known at an origin, and what is taken from it and given back."""

import numpy as np
import pytest

from anaphora.tasks.forecast.windows import DIFFERENCES, Shape, Strand, origins


def strand(T: int = 40, first: float = 0.0, F: int = 2) -> Strand:
    known = np.arange(F * (T + 10), dtype=np.float32).reshape(-1, F)
    return Strand(first + np.sin(np.arange(T)) + 0.1 * np.arange(T), known, 5.0, 2.0)


def shape(difference: str = "last", own: bool = False, segment: int = 1) -> Shape:
    return Shape(6, 4, segment, 3, difference, own)


def test_every_origin_with_history_and_horizon_is_there_once() -> None:
    windows = origins([strand(40), strand(12), strand(5)], shape(), [0, 8, 0], [40, 12, 5])
    assert windows.origin_N[windows.strand_N == 0].tolist() == list(range(6, 37))
    assert windows.origin_N[windows.strand_N == 1].tolist() == [8]
    assert not (windows.strand_N == 2).any()
    epoch = windows.epoch(5, np.random.default_rng(0))
    assert sorted(np.concatenate(epoch).tolist()) == list(range(len(windows)))


@pytest.mark.parametrize("difference", DIFFERENCES)
@pytest.mark.parametrize("own", [False, True])
def test_what_is_taken_is_given_back(difference: str, own: bool) -> None:
    windows = origins([strand(), strand(30, 100.0)], shape(difference, own), [0, 0], [40, 30])
    chosen = np.array([0, 7, len(windows) - 1])
    batch, view = windows.batch(chosen), windows.view(chosen)
    *_, offset_Bh, unit_B1 = batch.inputs
    np.testing.assert_allclose(offset_Bh + unit_B1 * batch.targets, windows.truth()[chosen], rtol=1e-5)
    if own:
        np.testing.assert_allclose(np.square(view.read).mean(1), 1, rtol=1e-6)


@pytest.mark.parametrize("difference", DIFFERENCES)
def test_no_value_of_the_future_reaches_an_input(difference: str) -> None:
    true, planted = strand(), strand()
    planted.values_T[20:] = 1e6
    inputs = []
    for one in (true, planted):
        windows = origins([one], shape(difference), [0], [40])
        inputs.append(windows.view(np.flatnonzero(windows.origin_N == 20)).inputs())
    for own, other in zip(*inputs, strict=True):
        np.testing.assert_array_equal(own, other)


def test_a_constant_window_has_a_size() -> None:
    flat = Strand(np.ones(20), np.zeros((20, 1), np.float32), 0.0, 1.0)
    inputs = origins([flat], shape("last", own=True), [0], [20]).batch(np.arange(3)).inputs
    assert all(np.isfinite(array).all() for array in inputs)


@pytest.mark.parametrize("segment", [1, 2, 3])
def test_segments_hold_the_steps_column_by_column(segment: int) -> None:
    windows = origins([strand()], shape("none", segment=segment), [0], [40])
    x_BSI, lengths_B, known_BPJ, places_BP, *_ = windows.view(np.array([0])).inputs()
    assert x_BSI.shape == (1, 6 // segment, 3 * segment)
    assert lengths_B.tolist() == [6 // segment]
    np.testing.assert_allclose(x_BSI[0, :, :segment].ravel(), strand().values_T[:6], rtol=1e-6)
    known = known_BPJ.reshape(1, -1, 2, segment).swapaxes(2, 3).reshape(-1, 2)
    np.testing.assert_array_equal(known[:4], strand().known_AF[6:10])
    assert not known[4:].any()  # what fills the last segment
    assert places_BP.tolist() == [list(range(-(-4 // segment)))]
