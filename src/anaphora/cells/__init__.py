"""The cells: one equation a file. A new cell is one file and one line in this table."""

from anaphora.cells.cell import Cell, LinearCell
from anaphora.cells.gru import GRU
from anaphora.cells.gru_textbook import GRUTextbook
from anaphora.cells.lstm import LSTM
from anaphora.cells.mingru import MinGRU
from anaphora.cells.minlstm import MinLSTM
from anaphora.cells.rnn import RNN

CELLS: dict[str, type[Cell]] = {
    "rnn": RNN,
    "lstm": LSTM,
    "gru": GRU,
    "gru_textbook": GRUTextbook,
    "mingru": MinGRU,
    "minlstm": MinLSTM,
}

__all__ = ["CELLS", "Cell", "LinearCell"]
