"""Time: running a cell over a batch of sequences of unequal length.

Every engine is one function with one contract:

    scan(cell, weights, x_BTD, lengths_B, state=None, reverse=False, trace=False, ends=True) -> (y_BTH, state)

- `x_BTD` holds row b's sequence in its first `lengths_B[b]` places (0 to T). What stands after them is never used, may
  be anything, NaN too, and gets no gradient.
- `y_BTH` is the cell's output, zeros after each row's end.
- `state` is a tuple of `[B, H]`, the output first; None starts from zeros. The one returned is the state at each row's
  own end; a row of length 0 returns the state it was given.
- `reverse=True` runs from each row's own end to its beginning: `y_BTH[b, t]` has seen the places t and after.
- `ends=False` says that nobody will read the returned state; `()` stands in its place. (Torch's LSTM kernel gives c
  only at the last place of the padded batch; at the rows' own ends it costs a much slower call.)
- `trace=True` returns the gates, `{name: [B, T, H]}`, as a third value.

`reference.py` is the plain loop over the equation, for NumPy and torch; `native.py` is the same contract on the
compiled kernels, for NumPy; `torch.py` the same under torch, on the kernels through `op.py` or on torch's own.
`stack.py` puts layers and directions together over any of them. This file imports none of them, so that running a model
does not load what only training needs.
"""
