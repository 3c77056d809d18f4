"""`anaphora.nn` in the place of `torch.nn`: outputs, dtypes, gradients, errors, compilation, over torch's options."""

import copy
import pickle
import re
from itertools import product

import pytest
import torch
from nn_pairs import B, D, H, T, every_module, flat, pair, states
from torch._subclasses import FakeTensorMode
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence

import anaphora.nn

TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-12, torch.bfloat16: 1e-2}


def leaves(module, *given):
    return [*module.parameters(), *(tensor for tensor in given if tensor.requires_grad)]


def outcome(module, *given):
    """What a call returns, and the gradients of a sum with distinct weights; or the error it raises."""
    torch.manual_seed(9)
    tensors = [tensor for part in given for tensor in (flat(part) if part is not None else [])]
    try:
        results = flat(module(*given))
    except (RuntimeError, ValueError) as error:
        return type(error), str(error)
    loss = sum((r.float() * torch.linspace(-1, 1, r.numel()).view(r.shape)).sum() for r in results)
    gradients = torch.autograd.grad(loss, leaves(module, *tensors), allow_unused=True)
    return results, gradients


def assert_same(theirs, ours):
    assert type(theirs[0]) is type(ours[0]), (theirs[:2], ours[:2])
    if not isinstance(theirs[0], list):
        assert theirs == ours
        return
    for expected, actual in zip([*theirs[0], *theirs[1]], [*ours[0], *ours[1]], strict=True):
        if expected is None:
            assert actual is None
            continue
        assert (expected.shape, expected.dtype) == (actual.shape, actual.dtype)
        if not expected.numel():
            continue
        largest = expected.double().abs().max().clamp(min=1e-6)
        assert (expected.double() - actual.double()).abs().max() <= TOLERANCE[expected.dtype] * largest


OPTIONS = [
    {"num_layers": layers, "bidirectional": both, "batch_first": first, "bias": bias}
    for layers, both, first, bias in product((1, 2, 3), (False, True), (False, True), (False, True))
]


@every_module
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "given"])
@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(str(int(v)) for v in o.values()))
def test_every_option_gives_what_torch_gives(name, options, given):
    theirs, ours = pair(name, **options)
    x = torch.randn(B, T, D).requires_grad_()
    hx = states(name, options["num_layers"], options["bidirectional"], T if not options["batch_first"] else B)
    assert_same(outcome(theirs, x, hx if given else None), outcome(ours, x, hx if given else None))


@every_module
@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "given"])
@pytest.mark.parametrize("ordered", [False, True], ids=["unsorted", "sorted"])
def test_packed_sequences_go_in_and_come_out(name, both, given, ordered):
    theirs, ours = pair(name, num_layers=2, bidirectional=both)
    data = [torch.randn(n, D) for n in ((6, 4, 4, 1) if ordered else (4, 6, 1, 4))]
    packed = pack_sequence(data, enforce_sorted=ordered)
    packed = packed._replace(data=packed.data.requires_grad_())
    hx = states(name, 2, both, B) if given else None
    assert_same(outcome(theirs, packed, hx), outcome(ours, packed, hx))
    a, b = theirs(packed, hx)[0], ours(packed, hx)[0]
    for field in ("batch_sizes", "sorted_indices", "unsorted_indices"):
        expected, actual = getattr(a, field), getattr(b, field)
        assert (expected is None and actual is None) or torch.equal(expected, actual)


@every_module
@pytest.mark.parametrize("given", [False, True], ids=["zeros", "given"])
def test_an_unbatched_input(name, given):
    theirs, ours = pair(name, bidirectional=True)
    x = torch.randn(T, D).requires_grad_()
    hx = states(name, 1, True) if given else None
    assert_same(outcome(theirs, x, hx), outcome(ours, x, hx))


@every_module
@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
@pytest.mark.parametrize("first", [False, True], ids=["time first", "batch first"])
@pytest.mark.parametrize("both", [False, True], ids=["one way", "both ways"])
def test_dropout_drops_the_same_numbers_under_one_seed(name, packed, first, both):
    theirs, ours = pair(name, num_layers=3, dropout=0.4, batch_first=first, bidirectional=both)
    x = torch.randn(B, T, D).requires_grad_()
    given = pack_padded_sequence(x, torch.tensor([4, 4, 3, 1]), first, enforce_sorted=False) if packed and first else x
    assert_same(outcome(theirs, given), outcome(ours, given))


@every_module
@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")
def test_relu_float64_and_projections_are_torchs(name):
    x = torch.randn(B, T, D)
    for options, dtype in [({"dtype": torch.float64}, torch.float64), ({}, torch.float64), ({}, torch.float32)]:
        theirs, ours = pair(name, **options)
        assert_same(outcome(theirs, x.to(dtype).requires_grad_()), outcome(ours, x.to(dtype).requires_grad_()))
    if name == "LSTM":
        theirs, ours = pair(name, proj_size=3)
        hx = states(name, 1, False, B, width=3)
        assert_same(outcome(theirs, x.transpose(0, 1), hx), outcome(ours, x.transpose(0, 1), hx))
    if name == "RNN":
        for theirs, ours in (pair(name, nonlinearity="relu"), pair(name, D, H, 1, "relu")):
            assert_same(outcome(theirs, x), outcome(ours, x))


@every_module
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_autocast_is_followed(name, dtype):
    theirs, ours = pair(name)
    x = torch.randn(T, B, D).to(dtype)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_same(outcome(theirs, x), outcome(ours, x))


@every_module
def test_precision_float32_is_kept_under_autocast(name):
    theirs, ours = pair(name, precision="float32")
    x = torch.randn(T, B, D)
    expected = outcome(theirs, x)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_same(expected, outcome(ours, x))


def test_another_precision_is_refused():
    with pytest.raises(ValueError, match="precision='half'"):
        anaphora.nn.GRU(D, H, precision="half")


@every_module
@pytest.mark.parametrize(
    "shape", [(T, B, D + 1), (D,), (1, T, B, D), (0, B, D), (T, 0, D)], ids=["wide", "1-D", "4-D", "no time", "no rows"]
)
@pytest.mark.parametrize("first", [False, True])
def test_wrong_and_empty_inputs_do_what_they_do_in_torch(name, shape, first):
    theirs, ours = pair(name, batch_first=first)
    assert_same(outcome(theirs, torch.zeros(shape)), outcome(ours, torch.zeros(shape)))


@every_module
@pytest.mark.parametrize("shape", [(1, B + 1, H), (2, B, H), (1, B, H + 1), (B, H), (1, 1, B, H)])
def test_wrong_states_do_what_they_do_in_torch(name, shape):
    theirs, ours = pair(name)
    state = torch.zeros(shape)
    hx = (state, state) if name == "LSTM" else state
    assert_same(outcome(theirs, torch.zeros(T, B, D), hx), outcome(ours, torch.zeros(T, B, D), hx))


@every_module
@pytest.mark.parametrize("options", [{"hidden_size": 0}, {"num_layers": 0}, {"dropout": 2.0}, {"what": 1}])
def test_wrong_constructor_arguments_raise_what_torch_raises(name, options):
    given = {"input_size": D, "hidden_size": H} | options
    with pytest.raises((ValueError, TypeError)) as theirs:
        getattr(torch.nn, name)(**given)
    with pytest.raises(theirs.type, match=re.escape(str(theirs.value))):
        getattr(anaphora.nn, name)(**given)


@every_module
def test_a_module_copies_pickles_and_loads(name):
    theirs, ours = pair(name, num_layers=2, bidirectional=True)
    x = torch.randn(T, B, D)
    expected = ours(x)[0]
    for again in (copy.deepcopy(ours), pickle.loads(pickle.dumps(ours))):
        assert torch.equal(again(x)[0], expected)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs)


@every_module
def test_frozen_weights_get_no_gradient_and_the_rest_do(name):
    theirs, ours = pair(name)
    for module in (theirs, ours):
        module.weight_hh_l0.requires_grad_(False)
    x = torch.randn(T, B, D)
    for module in (theirs, ours):
        module(x)[0].sum().backward()
    assert ours.weight_hh_l0.grad is None
    torch.testing.assert_close(ours.weight_ih_l0.grad, theirs.weight_ih_l0.grad)


@pytest.mark.parametrize("name", ["RNN", "GRU"])
@pytest.mark.parametrize("kind", ["time first", "batch first", "packed"])
def test_outputs_may_be_changed_in_place_where_torchs_may(name, kind):
    found = []
    for module in pair(name, batch_first=kind == "batch first"):
        x = torch.linspace(-1, 1, T * B * D).view(T, B, D).requires_grad_()
        y, _ = module(pack_padded_sequence(x, torch.tensor([6, 4, 4, 1])) if kind == "packed" else x)
        y = y.data if kind == "packed" else y
        found.append(torch.autograd.grad(y.mul_(2).relu_().sum(), [x, *module.parameters()]))
    for theirs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs)


@every_module
def test_backward_may_run_twice(name):
    _, ours = pair(name)
    x = torch.randn(T, B, D).requires_grad_()
    y = ours(x)[0].square().sum()
    first = torch.autograd.grad(y, x, retain_graph=True)[0]
    assert torch.equal(first, torch.autograd.grad(y, x)[0])


@every_module
@pytest.mark.parametrize("packed", [False, True], ids=["padded", "packed"])
@pytest.mark.parametrize(
    "options", [{}, {"bidirectional": True}, {"bias": False}], ids=["plain", "both ways", "no bias"]
)
def test_gradients_can_be_differentiated(name, packed, options):
    found = []
    for module in pair(name, **options):
        x = torch.linspace(-1, 1, T * B * D).view(T, B, D).requires_grad_()
        given = pack_padded_sequence(x, torch.tensor([6, 4, 4, 1])) if packed else x
        y, end = module(given)
        total = flat([y])[0].square().sum() + sum(state.sum() for state in flat([end]))
        first = torch.autograd.grad(total, [x, module.weight_hh_l0], create_graph=True)
        twice = torch.autograd.grad(sum(g.square().sum() for g in first), [x, *module.parameters()])
        found.append([*first, *twice])
    for theirs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@every_module
@pytest.mark.parametrize("kind", ["carried state", "tied biases", "state from input"])
def test_a_gradient_with_a_graph_counts_nothing_twice(name, kind):
    found = []
    for module in pair(name):
        x = torch.linspace(-1, 1, T * B * D).view(T, B, D).requires_grad_()
        if kind == "tied biases":
            module.bias_hh_l0 = module.bias_ih_l0
        state = x[0, :, :1].expand(1, B, H).contiguous()
        hx = (state, state) if name == "LSTM" else state
        y, end = module(x, hx if kind == "state from input" else None)
        y = module(x, end)[0] if kind == "carried state" else y
        leaves = [x, module.weight_hh_l0, module.bias_ih_l0]
        found.append(torch.autograd.grad(y.square().sum(), leaves, create_graph=True))
    for theirs, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)


@every_module
@pytest.mark.parametrize("first", [False, True])
def test_outputs_can_be_viewed_as_in_torch(name, first):
    theirs, ours = pair(name, batch_first=first)
    x = torch.randn(T, B, D).transpose(0, 1)
    if not first:
        assert ours(x)[0].view(-1, H).shape == theirs(x)[0].view(-1, H).shape
    torch.testing.assert_close(ours(x)[0], theirs(x)[0])


@every_module
@pytest.mark.filterwarnings("ignore")
def test_what_traces_and_fakes_sees_torchs_own(name):
    _, ours = pair(name)
    x, other = torch.randn(T, B, D), torch.randn(T, B, D)
    expected = ours(other)[0]
    graph = make_fx(lambda x: ours(x)[0])(x)
    torch.testing.assert_close(graph(other), expected)
    torch.testing.assert_close(torch.jit.trace(ours, (x,))(other)[0], expected)
    with FakeTensorMode(allow_non_fake_inputs=True):
        assert ours(torch.randn(T, B, D))[0].shape == (T, B, H)


def test_relu_stops_an_infinite_gradient_where_it_is_flat():
    theirs, ours = pair("RNN", nonlinearity="relu")
    x = torch.randn(T, B, D)
    gradients = [torch.autograd.grad(m(x)[0].sqrt().sum(), m.weight_ih_l0)[0] for m in (theirs, ours)]
    assert torch.equal(gradients[0].isnan(), gradients[1].isnan())


@every_module
@pytest.mark.parametrize("weight", ["bias_ih_l0", "weight_hh_l0"])
def test_weights_of_mixed_dtypes_are_refused_as_in_torch(name, weight):
    for module in pair(name):
        setattr(module, weight, torch.nn.Parameter(getattr(module, weight).double()))
        with pytest.raises((RuntimeError, ValueError)):
            module(torch.randn(T, B, D))


@every_module
@pytest.mark.parametrize("sizes", [[3, 2], [2, 3, 5]])
def test_a_packed_sequence_that_does_not_add_up_is_torchs(name, sizes):
    theirs, ours = pair(name)
    given = PackedSequence(torch.randn(10, D), torch.tensor(sizes))
    assert_same(outcome(theirs, given), outcome(ours, given))


@every_module
def test_functional_call_uses_the_weights_it_is_given(name):
    theirs, ours = pair(name)
    others = {key: torch.randn_like(value) for key, value in ours.state_dict().items()}
    x = torch.randn(T, B, D)
    expected = torch.func.functional_call(theirs, others, (x,))[0]
    torch.testing.assert_close(torch.func.functional_call(ours, others, (x,))[0], expected)


@every_module
def test_vmap_and_the_meta_device_are_torchs(name):
    theirs, ours = pair(name)
    x = torch.randn(3, T, B, D)
    for module in (theirs, ours):
        with pytest.raises(RuntimeError, match="Batching rule not implemented"):
            torch.vmap(lambda x, module=module: module(x)[0])(x)
    assert ours.to("meta")(x[0].to("meta"))[0].shape == (T, B, H)


def lengths_of(rows):
    return torch.tensor([3, 6, 1, 4])[:rows]


@pytest.mark.slow
@every_module
@pytest.mark.parametrize("ragged", [False, True], ids=["full", "lengths"])
@pytest.mark.parametrize("precision", [None, "auto"])
def test_it_compiles_in_one_graph(name, ragged, precision):
    _, ours = pair(name, num_layers=2, bidirectional=True, batch_first=True)
    ours.precision = precision
    torch.compiler.reset()  # it gives up after a number of modules that run the same code
    options = {"lengths": lengths_of(B)} if ragged else {}
    x = torch.randn(B, T, D).requires_grad_()
    expected = ours(x, **options)[0]
    gradients = torch.autograd.grad(expected.square().sum(), [x, *ours.parameters()])
    compiled = torch.compile(ours, fullgraph=True, backend="aot_eager")
    actual = compiled(x, **options)[0]
    assert torch.equal(actual, expected)
    for one, other in zip(torch.autograd.grad(actual.square().sum(), [x, *ours.parameters()]), gradients, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.slow
@every_module
def test_it_exports(name):
    _, ours = pair(name, batch_first=True)
    x = torch.randn(B, T, D)
    program = torch.export.export(ours, (x,))
    sizes = {0: torch.export.Dim("rows"), 1: torch.export.Dim("places")}
    flexible = torch.export.export(ours, (x,), dynamic_shapes=(sizes,)).module()
    longer = torch.randn(B + 3, T + 5, D)
    assert torch.equal(flexible(longer)[0], ours(longer)[0])
    assert any("anaphora.scan" in str(node.target) for node in program.graph.nodes)
    assert torch.equal(program.module()(x)[0], ours(x)[0])


class NoGradient(torch.autograd.Function):
    """One of those that come after and give nothing back."""

    @staticmethod
    def forward(ctx, y):
        return y.sum()

    @staticmethod
    def backward(ctx, gradient):
        return None


@every_module
@pytest.mark.parametrize("graph", [False, True])
def test_no_gradient_from_above_is_none_below(name, graph):
    _, ours = pair(name, batch_first=True)
    x = torch.randn(B, T, D).requires_grad_()
    loss = NoGradient.apply(ours(x)[0])
    (gradient,) = torch.autograd.grad(loss, [x], create_graph=graph, allow_unused=True)
    assert gradient is None or not gradient.any()
