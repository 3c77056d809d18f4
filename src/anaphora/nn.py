"""`torch.nn.RNN`, `LSTM` and `GRU` on our engine: the same constructors, parameters, state dicts, shapes and errors.

The compiled kernels run what is in float32 on a CPU. All else (a GPU, other dtypes, autocast, `proj_size`, what is
wrong) goes to the very functions that torch's modules call, so that it does, and says, what it does there.

Two things differ: `isinstance(m, torch.nn.LSTM)` is false; `torch.jit.script` and `torch.fx.symbolic_trace` do not take
them (`torch.compile`, `torch.export` and `torch.jit.trace` do).

    import anaphora.nn
    rnn = anaphora.nn.LSTM(300, 200, batch_first=True)      # in the place of torch.nn.LSTM
    y, (h, c) = rnn(x, lengths=lengths)                     # and ragged batches without packing
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from anaphora.engine import native, op
from anaphora.engine.ragged import inside

PRECISIONS = (None, *(name for name in native.PRECISIONS if name != "int8"))


class _Recurrent(nn.RNNBase):
    """What the three modules share. It is not a `torch.nn.LSTM`: Dynamo refuses to trace instances of those.

    `precision=None` follows the input and autocast, as torch does. With another, the kernels compute in it, under
    autocast, too, and give float32: "float32"; "bfloat16", which rounds the weights and what they are multiplied with
    (sums, states and gradients of the weights are float32); "auto", bfloat16 where the processor multiplies it faster.
    """

    _torch: ClassVar[Any]
    """The module of torch's whose place this takes."""

    def __init__(self, mode: str, *args: Any, precision: str | None = None, **kwargs: Any) -> None:
        if precision not in PRECISIONS:
            raise ValueError(f"precision={precision!r} is not known: it is one of {PRECISIONS}")
        self.precision = precision
        super().__init__(mode, *args, **kwargs)

    def forward(self, input: Any, hx: Any = None, lengths: Tensor | None = None) -> Any:
        """As torch's, and with `lengths` `[B]`: row b is read up to its own end, where the state is taken.

        The outputs after a row's end are zeros, and what stands in `input` there is never read. Raises ValueError where
        lengths are given to a PackedSequence or an unbatched input, or are not int64 `[B]` on the CPU.
        """
        if lengths is not None:
            self._check_lengths(input, lengths)
        if self.precision is not None and torch.is_autocast_enabled("cpu"):
            with torch.autocast("cpu", enabled=False):
                return self._run(_as_float32(input), _as_float32(hx), lengths)
        return self._run(input, hx, lengths)

    def _run(self, input: Any, hx: Any, lengths: Tensor | None) -> Any:
        if not self._can(input, hx, lengths):
            return self._by_torch(input, hx, lengths)
        if isinstance(input, PackedSequence):
            data, batch_sizes, order, back = input
            y, state = self._scan(data, self._state(hx, order), None, batch_sizes)
            return PackedSequence(y, batch_sizes, order, back), self._given(state, back)
        batched = input.dim() == 3
        x_BTD = input if not batched or self.batch_first else input.transpose(0, 1)
        x_BTD = x_BTD if batched else x_BTD[None]
        y, state = self._scan(x_BTD, self._state(hx, None, batched), lengths, None)
        if not batched:
            return y[0], self._given(tuple(s[:, 0] for s in state), None)
        return y if self.batch_first else y.transpose(0, 1), self._given(state, None)

    def _can(self, input: Any, hx: Any, lengths: Tensor | None) -> bool:
        """Whether the kernels do this; where anything is out of the ordinary, torch does it, or refuses it."""
        packed = isinstance(input, PackedSequence)
        data = input.data if packed else input
        if not isinstance(data, Tensor) or data.dim() not in ((2,) if packed else (2, 3)):
            return False
        states = () if hx is None else hx if isinstance(hx, tuple) else (hx,)
        if hx is not None and (len(states) != len(self._names()) or isinstance(hx, tuple) != (self.mode == "LSTM")):
            return False
        weights = [weight for layer in self.all_weights for weight in layer]
        if not all(
            isinstance(tensor, Tensor) and tensor.dtype == torch.float32 and tensor.device.type == "cpu"
            for tensor in (data, *weights, *states)
        ):
            return False
        if packed:
            rows: tuple[int, ...] = (int(input.batch_sizes[0]) if len(input.batch_sizes) else 0,)
        else:
            rows = (data.shape[0 if self.batch_first else 1],) if data.dim() == 3 else ()
        stacked = self.num_layers * (2 if self.bidirectional else 1)
        return (
            self.proj_size == 0
            and data.shape[-1] == self.input_size
            and all(state.shape == (stacked, *rows, self.hidden_size) for state in states)
            and (lengths is not None or 0 not in data.shape)
            and not torch.is_autocast_enabled("cpu")
            and not torch._C._are_functorch_transforms_active()
            and (torch.compiler.is_compiling() or (_plain() and (not packed or _adds_up(input))))
        )

    def _scan(
        self, x: Tensor, state: tuple[Tensor, ...] | None, lengths: Tensor | None, batch_sizes: Tensor | None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        precision = self.precision or "float32"
        drops = self.training and self.dropout > 0 and self.num_layers > 1
        # Torch computes in the order of time: the same seed must drop the same numbers, and outputs that are time first
        # lie so in memory.
        if x.dim() == 3 and (drops or not self.batch_first) and not op.lies_time_first(x):
            x = x.transpose(0, 1).contiguous().transpose(0, 1)
        time_first = op.lies_time_first(x)
        B = x.shape[0] if batch_sizes is None else int(batch_sizes[0])
        if state is None:
            stacked = self.num_layers * (2 if self.bidirectional else 1)
            state = (x.new_zeros(stacked, B, self.hidden_size),) * len(self._names())

        def as_it_lies(y: Tensor) -> Tensor:
            return y.transpose(0, 1) if time_first else y

        ends: list[tuple[Tensor, ...]] = []
        for layer in range(self.num_layers):
            if layer and drops:
                x = as_it_lies(nn.functional.dropout(as_it_lies(x), self.dropout))
            outputs = []
            for suffix in ("", "_reverse")[: 2 if self.bidirectional else 1]:
                weights = tuple(getattr(self, f"{name}_l{layer}{suffix}", None) for name in native.WEIGHTS)
                start = tuple(s[len(ends)] for s in state)
                y, end = op.scan(self.mode.lower(), x, lengths, batch_sizes, weights, start, suffix != "", precision)
                outputs.append(as_it_lies(y))
                ends.append(end)
            x = as_it_lies(outputs[0] if len(outputs) == 1 else torch.cat(outputs, -1))
        return x, tuple(torch.stack(arrays) for arrays in zip(*ends, strict=True))

    def _by_torch(self, input: Any, hx: Any, lengths: Tensor | None) -> Any:
        if lengths is None:
            return self._torch.forward(self, input, hx)
        # Packing knows no empty rows: they run for one step that is thrown away.
        packed = pack_padded_sequence(input, lengths.clamp(min=1), self.batch_first, enforce_sorted=False)
        places = input.shape[1 if self.batch_first else 0]
        y, state = self._torch.forward(self, packed, hx)
        y, _ = pad_packed_sequence(y, self.batch_first, total_length=places)
        x_BTH = y if self.batch_first else y.transpose(0, 1)
        lengths = lengths.to(y.device)
        y_BTH = torch.where(inside(x_BTH, lengths), x_BTH, 0)
        begun = lengths[:, None] > 0
        state = state if isinstance(state, tuple) else (state,)
        given = (None,) * len(state) if hx is None else hx if isinstance(hx, tuple) else (hx,)
        kept = tuple(
            torch.where(begun, s, 0 if g is None else g.to(s.dtype)) for s, g in zip(state, given, strict=True)
        )
        return y_BTH if self.batch_first else y_BTH.transpose(0, 1), self._given(kept, None)

    def _names(self) -> tuple[str, ...]:
        return ("h", "c") if self.mode == "LSTM" else ("h",)

    def _state(self, hx: Any, order: Tensor | None, batched: bool = True) -> tuple[Tensor, ...] | None:
        if hx is None:
            return None
        states = hx if isinstance(hx, tuple) else (hx,)
        states = states if batched else tuple(state[:, None] for state in states)
        return states if order is None else tuple(state.index_select(1, order) for state in states)

    def _given(self, state: tuple[Tensor, ...], order: Tensor | None) -> Any:
        """The state as torch's module returns it: a tuple for an LSTM, else a tensor."""
        state = state if order is None else tuple(s.index_select(1, order) for s in state)
        return state if self.mode == "LSTM" else state[0]

    def _check_lengths(self, input: Any, lengths: Tensor) -> None:
        if isinstance(input, PackedSequence) or input.dim() != 3:
            raise ValueError("lengths are for a padded batch of three dimensions; a PackedSequence has its own")
        if not isinstance(lengths, Tensor):
            raise ValueError(f"lengths are a tensor, not a {type(lengths).__name__}")
        rows, places = input.shape[:2] if self.batch_first else (input.shape[1], input.shape[0])
        if lengths.shape != (rows,) or lengths.dtype != torch.int64 or lengths.device.type != "cpu":
            raise ValueError(
                f"lengths are int64 [{rows}] on the CPU, not {lengths.dtype} {list(lengths.shape)} on {lengths.device}"
            )
        if not torch.compiler.is_compiling() and rows and not 0 <= int(lengths.min()) <= int(lengths.max()) <= places:
            raise ValueError(f"lengths are between 0 and {places}, not {int(lengths.min())} to {int(lengths.max())}")


def _plain() -> bool:
    """Whether this is an eager call of a program's own, not one that is traced, faked or differentiated forward."""
    return not (
        torch._C._len_torch_dispatch_stack()
        or torch._C._get_tracing_state() is not None
        or torch.autograd.forward_ad._current_level >= 0
    )


def _adds_up(packed: PackedSequence) -> bool:
    sizes = packed.batch_sizes
    return sizes.dtype == torch.int64 and int(sizes.sum()) == len(packed.data) and bool((sizes[1:] <= sizes[:-1]).all())


def _as_float32(value: Any) -> Any:
    if isinstance(value, PackedSequence):
        return value.to(torch.float32)
    return tuple(map(_as_float32, value)) if isinstance(value, tuple) else value if value is None else value.float()


class RNN(_Recurrent):
    """`torch.nn.RNN`: h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu with `nonlinearity="relu"`."""

    _torch = nn.RNN

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        given = list(args)
        nonlinearity = given.pop(3) if len(given) > 3 else kwargs.pop("nonlinearity", "tanh")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        self.nonlinearity = nonlinearity
        super().__init__(f"RNN_{nonlinearity.upper()}", *given, **kwargs)


class LSTM(_Recurrent):
    """`torch.nn.LSTM` (the equations stand in `anaphora.cells.lstm`)."""

    _torch = nn.LSTM
    get_expected_cell_size = nn.LSTM.get_expected_cell_size
    # Two states in the place of one, as in torch.
    check_forward_args = nn.LSTM.check_forward_args  # type: ignore[assignment]  # as torch does
    permute_hidden = nn.LSTM.permute_hidden  # type: ignore[assignment]  # as torch does

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__("LSTM", *args, **kwargs)


class GRU(_Recurrent):
    """`torch.nn.GRU` (the equations stand in `anaphora.cells.gru`)."""

    _torch = nn.GRU

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)
