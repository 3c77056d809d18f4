"""Time: running a cell over a batch of sequences of unequal length.

Every engine is one function with one contract:

    scan(cell, weights, x_BTD, lengths_B, state=None, reverse=False, trace=False, ends=True) -> (y_BTH, state)

- `x_BTD` holds the sequence of row b in its first `lengths_B[b]` steps (0 to T). The values after them are never used,
  may be anything, also NaN, and get no gradient.
- `y_BTH` is the cell's output, zeros after each row's end.
- `state` is a tuple of `[B, width]`, the output first; None starts from zeros. The returned one is the state at each
  row's own end; a row of length 0 returns the state that it was given.
- `reverse=True` runs from each row's own end to its beginning: `y_BTH[b, t]` has seen the steps t and after.
- `ends=False` says that the returned state is not needed; it is then `()`. (Torch's LSTM kernel gives c only at the
  last step of the padded batch; c at the rows' own ends needs a much slower call.)
- `trace=True` returns the gates, `{name: [B, T, H]}`, as a third value.

`reference.py` is the plain loop over the equation, for NumPy and torch. `native.py` is the same contract on the
compiled kernels, for NumPy. `torch.py` is the same under torch, on the compiled kernels (`op.py`, `linear_op.py`) or on
torch's own. `stack.py` joins layers and directions over any of them. This file imports none of them, so that running a
model does not import what only training needs.
"""
