"""The linear scan of cells whose gates do not read the state, against the loop over their steps."""

import numpy as np
import pytest
import torch
from samples import EVERY_CELL, backward, sample
from tolerances import assert_all_close

from anaphora.cells import LinearCell
from anaphora.engine import native, reference, stack
from anaphora.engine import torch as torch_engine
from anaphora.engine.linear_op import LinearScan, backward_as_scan, forward_in_torch, linear_scan

every_linear_cell = pytest.mark.parametrize(
    "cell", [param for param in EVERY_CELL if isinstance(*param.values, LinearCell)]
)
both_directions = pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
every_dtype = pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=["kernel", "torch"])
T = 37


def to_torch(given):
    return given.torch(torch.float32)


def to_numpy(given):
    return given.numpy(np.float32)


both_engines = pytest.mark.parametrize(
    ("scan", "convert"), [(native.scan, to_numpy), (torch_engine.scan, to_torch)], ids=["native", "torch"]
)


def bits(arrays):
    return [np.asarray(array).tobytes() for array in arrays]


@every_linear_cell
def test_coefficients_are_what_the_step_does(cell):
    given = sample(cell, T=4, ragged=False)
    x_BG = cell.project(np, given.x, given.weights)[:, 0]
    a_BH, b_BH = cell.coefficients(np, x_BG, given.weights)
    (h_BH,), _ = cell.step(np, x_BG, given.state, given.weights)
    np.testing.assert_allclose(a_BH * given.state[0] + b_BH, h_BH, rtol=1e-13)


@every_linear_cell
def test_a_linear_cell_has_no_recurrent_weights(cell):
    assert cell.recurrent_weights == ()
    assert set(cell.parameters(3, 4)) == {"weight_ih", "bias_ih"}


@both_engines
@every_linear_cell
@pytest.mark.parametrize("cuts", [(5,), (1, 2, 20), tuple(range(1, T))], ids=["two", "four", "steps"])
def test_chunks_with_carried_state_are_the_whole(scan, convert, cell, cuts):
    """Bit-equal under NumPy. Under torch the library of matrix products may round by the number of rows."""
    given = convert(sample(cell, T=T))
    y_BTH, end = scan(cell, *given.inputs, given.state)
    state, outputs = given.state, []
    for start, stop in zip((0, *cuts), (*cuts, T), strict=True):
        lengths_B = (given.lengths - start).clip(0, stop - start)
        y_chunk, state = scan(cell, given.weights, given.x[:, start:stop], lengths_B, state)
        outputs.append(np.asarray(y_chunk))
    chunked = (np.concatenate(outputs, 1), *map(np.asarray, state))
    if scan is native.scan:
        assert bits(chunked) == bits((y_BTH, *end))
    assert_all_close(chunked, (np.asarray(y_BTH), *map(np.asarray, end)))


@every_linear_cell
@both_directions
def test_natively_padding_rows_and_threads_change_no_bit(cell, reverse, monkeypatch):
    given = to_numpy(sample(cell, T=T, H=33))
    y_BTH, end = native.scan(cell, *given.inputs, given.state, reverse)
    padded = np.concatenate([given.x, np.full_like(given.x[:, :3], np.inf)], 1)
    y_padded, end_padded = native.scan(cell, given.weights, padded, given.lengths, given.state, reverse)
    assert bits((y_padded[:, :T], *end_padded)) == bits((y_BTH, *end))
    assert not y_padded[:, T:].any()
    for row, length in enumerate(given.lengths):
        alone = given.rows([row])
        y_1TH, end_1 = native.scan(cell, given.weights, alone.x[:, :length], alone.lengths, alone.state, reverse)
        assert bits((y_1TH, *end_1)) == bits((y_BTH[[row], :length], *(array[[row]] for array in end)))
    monkeypatch.setenv("ANAPHORA_THREADS", "3")
    assert bits(native.scan(cell, *given.inputs, given.state, reverse)[:1]) == bits([y_BTH])


@every_linear_cell
def test_natively_reverse_is_flipped(cell):
    given = to_numpy(sample(cell, T=T, ragged=False))
    y_BTH, end = native.scan(cell, *given.inputs, given.state, True)
    flipped = np.ascontiguousarray(given.x[:, ::-1])
    y_flipped, end_flipped = native.scan(cell, given.weights, flipped, given.lengths, given.state)
    assert bits((y_flipped[:, ::-1], *end_flipped)) == bits((y_BTH, *end))


@every_linear_cell
def test_prepared_weights_give_the_same_bits_and_are_still_weights(cell):
    given = to_numpy(sample(cell, T=T))
    prepared = native.prepare(cell, given.weights)
    assert native.prepare(cell, prepared) is prepared
    assert cell.width(prepared) == 5
    y_BTH, end = native.scan(cell, *given.inputs, given.state)
    y_prepared, end_prepared = native.scan(cell, prepared, given.x, given.lengths, given.state)
    assert bits((y_prepared, *end_prepared)) == bits((y_BTH, *end))


def test_a_cell_may_have_its_own_projection():
    (cell,) = next(param.values for param in EVERY_CELL if isinstance(*param.values, LinearCell))

    class Doubled(type(cell)):
        def project(self, xp, x_BTD, weights):
            return 2 * super().project(xp, x_BTD, weights)

    given = to_numpy(sample(cell, T=T))
    expected = reference.scan(Doubled(), *given.inputs, given.state)
    y_BTH, end = native.scan(Doubled(), *given.inputs, given.state)
    assert_all_close((y_BTH, *end), (expected[0], *expected[1]))


@both_directions
@every_linear_cell
def test_float64_under_torch_is_the_reference_with_its_gradients(cell, reverse):
    given = sample(cell, T=T).torch(learns=True)
    values, gradients = backward(cell, torch_engine.scan, given, reverse=reverse)
    expected, expected_gradients = backward(cell, reference.scan, given, reverse=reverse)
    assert_all_close(values, expected)
    assert_all_close(gradients, expected_gradients)


@both_directions
@every_linear_cell
def test_nan_in_the_padding_reaches_no_gradient(cell, reverse):
    given = sample(cell, T=T).torch(torch.float32, learns=True)
    _, gradients = backward(cell, torch_engine.scan, given, reverse=reverse)
    outside_BT = torch.arange(T) >= given.lengths[:, None]
    assert all(gradient.isfinite().all() for gradient in gradients.values())
    assert (gradients["x"][outside_BT] == 0).all()


@both_engines
@both_directions
@every_linear_cell
@pytest.mark.parametrize(("rows", "steps"), [(0, 5), (3, 0), (0, 0)])
def test_empty_batches(scan, convert, cell, reverse, rows, steps):
    given = convert(sample(cell, T=steps, B=3).rows(range(rows)))
    y_BTH, (end_BH,) = scan(cell, *given.inputs, given.state, reverse)
    assert y_BTH.shape == (rows, steps, 5)
    np.testing.assert_array_equal(end_BH, given.state[0])


def test_lengths_must_be_integers():
    (cell,) = next(param.values for param in EVERY_CELL if isinstance(*param.values, LinearCell))
    given = to_numpy(sample(cell, T=3))
    with pytest.raises(TypeError, match="lengths are integers"):
        native.scan(cell, given.weights, given.x, given.lengths.astype(float))


def draw(dtype, T=9, B=5, H=4):
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(B, T, H, generator=generator, dtype=dtype).requires_grad_() for _ in range(2))
    lengths_B = torch.tensor([1, T, 0, min(4, T), T - 1])
    return a, b, lengths_B, torch.randn(B, H, generator=generator, dtype=dtype).requires_grad_()


def loop(a, b, lengths_B, h0_BH, reverse):
    """One row and step after the other."""
    y_BTH, h_n = torch.zeros_like(a), torch.zeros_like(h0_BH)
    for row, length in enumerate(lengths_B.tolist()):
        h = h0_BH[row]
        for t in reversed(range(length)) if reverse else range(length):
            h = y_BTH[row, t] = a[row, t] * h + b[row, t]
        h_n[row] = h
    return y_BTH, h_n


@both_directions
@every_dtype
def test_the_scan_is_the_loop(dtype, reverse):
    a, b, lengths_B, h0_BH = (tensor.detach() for tensor in draw(dtype))
    expected = loop(a, b, lengths_B, h0_BH, reverse)
    torch.testing.assert_close(linear_scan(a, b, lengths_B, h0_BH, reverse), expected)
    torch.testing.assert_close(forward_in_torch(a, b, lengths_B, h0_BH, reverse), expected)


@pytest.mark.parametrize("T", [1, 2, 7, 8])
@both_directions
def test_gradients_of_first_and_second_order_equal_finite_differences(T, reverse):
    a, b, lengths_B, h0_BH = draw(torch.float64, T, H=2)

    def run(a, b, h0_BH):
        return LinearScan.apply(a, b, lengths_B, h0_BH, reverse)

    assert torch.autograd.gradcheck(run, (a, b, h0_BH))
    assert torch.autograd.gradgradcheck(run, (a, b, h0_BH))


@both_directions
def test_the_kernels_gradients_are_those_of_the_scan_that_autograd_can_follow(reverse):
    a, b, lengths_B, h0_BH = draw(torch.float32)
    y_BTH, h_n = linear_scan(a, b, lengths_B, h0_BH, reverse)
    dy, dh_n = torch.randn_like(y_BTH), torch.randn_like(h_n)
    gradients = torch.autograd.grad((y_BTH, h_n), (a, b, h0_BH), (dy, dh_n), retain_graph=True)
    inside_BT1 = (torch.arange(9) < lengths_B[:, None])[:, :, None]
    expected = backward_as_scan(dy, dh_n, a, lengths_B, h0_BH, y_BTH, reverse)
    torch.testing.assert_close(gradients, tuple(tensor.detach() for tensor in expected))
    assert not gradients[0][~inside_BT1.expand_as(a)].any()


@every_linear_cell
def test_gradients_can_be_differentiated_in_float32(cell):
    """A penalty on the gradient with respect to the inputs, as in WGAN-GP."""
    results = []
    for dtype in (torch.float32, torch.float64):
        given = sample(cell, T=6, ragged=False).torch(dtype, learns=True)
        y_BTH, _ = torch_engine.scan(cell, *given.inputs, given.state)
        (dx,) = torch.autograd.grad((y_BTH**2).sum(), given.x, create_graph=True)
        results.append(torch.autograd.grad((dx**2).sum(), [given.weights["weight_ih"], given.state[0]]))
    assert_all_close(results[0], [tensor.numpy() for tensor in results[1]])


@every_linear_cell
def test_compiled_and_exported_programs_run_the_kernel(cell):
    class Scanning(torch.nn.Module):
        def forward(self, weights, x_BTD, lengths_B, h0_BH):
            return torch_engine.scan(cell, weights, x_BTD, lengths_B, (h0_BH,))

    given = sample(cell, T=6).torch(torch.float32)
    expected = torch_engine.scan(cell, *given.inputs, given.state)
    compiled = torch.compile(Scanning(), backend="aot_eager", fullgraph=True)
    torch.testing.assert_close(compiled(*given.inputs, *given.state), expected)
    learns = sample(cell, T=6).torch(torch.float32, learns=True)
    leaves = [learns.x, *learns.weights.values(), *learns.state]
    gradients = [
        torch.autograd.grad(run(*learns.inputs, *learns.state)[0].sum(), leaves) for run in (compiled, Scanning())
    ]
    torch.testing.assert_close(*gradients)
    exported = torch.export.export(Scanning(), (*given.inputs, *given.state))
    assert "anaphora.linear_scan" in str(exported.graph)
    torch.testing.assert_close(exported.module()(*given.inputs, *given.state), expected)


@every_linear_cell
def test_operators_pass_torchs_own_check(cell):
    from anaphora.engine.linear_op import linear_scan_op

    a, b, lengths_B, h0_BH = draw(torch.float32)
    torch.library.opcheck(linear_scan_op, (a, b, lengths_B, h0_BH, True))


@both_engines
@every_linear_cell
def test_stacks_of_both_directions_run(scan, convert, cell):
    first, second = convert(sample(cell, T=T)), convert(sample(cell, T=T, D=10, seed=1))
    weights = [[first.weights, first.weights], [second.weights, second.weights]]
    y_BTH, end = stack.run(scan, cell, weights, first.x, first.lengths)
    assert y_BTH.shape == (5, T, 10)
    assert end[0].shape == (4, 5, 5)
