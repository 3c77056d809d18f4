"""The options of cells: declared by the cells, gathered by CellOptions, checked by make_cell."""

from dataclasses import dataclass, fields

import pytest

from anaphora.cells import CELLS
from anaphora.cells.options import EARLIER_DEFAULTS, CellOptions, make_cell, with_options_of_cells
from anaphora.config import Config, declared, kinds, option
from anaphora.errors import OptionError
from anaphora.net.options import NetworkOptions, recurrent


def test_the_options_are_the_cell_and_the_fields_of_all_cells():
    expected = {"cell", *(field.name for cell in CELLS.values() for field in fields(cell))}
    assert {field.name for field in fields(CellOptions)} == expected
    assert {field.name for field in fields(NetworkOptions)} >= expected


@pytest.mark.parametrize("name", CELLS)
def test_without_options_a_cell_has_its_defaults(name):
    assert make_cell(CellOptions(cell=name)) == CELLS[name]()


@pytest.mark.parametrize("name", CELLS)
def test_every_option_of_a_cell_reaches_it(name):
    for field in fields(CELLS[name]):
        for value in declared(CELLS[name], field.name)["choices"]:
            cell = make_cell(CellOptions(**{"cell": name, field.name: value}))
            assert getattr(cell, field.name) == value
            assert value in declared(CellOptions, field.name)["choices"]


@pytest.mark.parametrize("name", CELLS)
def test_models_of_version_0_1_saved_an_activation_with_every_cell(name):
    assert make_cell(CellOptions(cell=name, **EARLIER_DEFAULTS)) == CELLS[name]()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"cell": "gru", "activation": "relu"},
            "activation='relu': the cell gru has no option activation; it has no opt",
        ),
        ({"cell": "lstm", "candidate": "linear"}, "the cell lstm has no option candidate; its options are activation"),
        (
            {"cell": "mingru", "activation": "relu"},
            "the cell mingru has no option activation; its options are candidate",
        ),
    ],
)
def test_an_option_that_the_cell_lacks_is_refused(options, message):
    with pytest.raises(OptionError, match=message):
        make_cell(CellOptions(**options))


def test_an_unknown_value_is_refused():
    with pytest.raises(OptionError, match="activation='gelu' is not one of tanh, relu"):
        CELLS["lstm"]("gelu")
    with pytest.raises(OptionError, match="candidate='tanh' is not one of linear, positive"):
        CellOptions(cell="mingru", candidate="tanh")


def test_the_help_names_the_cells_that_have_an_option():
    assert declared(CellOptions, "activation")["help"] == "the cell's nonlinearity (rnn, lstm; default tanh)"


@pytest.fixture
def decayed(monkeypatch):
    """A cell that is not in this package, in the table for the time of one test."""

    @dataclass(frozen=True)
    class Decayed(CELLS["rnn"]):
        decay: float = option(0.5, "how much of h is kept", at_least=0, at_most=1)
        activation: str = option("soft", "what bounds h", choices=("soft", "tanh"))
        name = "decayed"

    monkeypatch.setitem(CELLS, "decayed", Decayed)
    return Decayed


def test_a_new_cells_option_needs_no_other_edit(decayed):
    @dataclass(frozen=True)
    @with_options_of_cells
    class Options(Config):
        cell: str = option("rnn", "which recurrent cell", choices=tuple(CELLS))

    assert kinds(Options)["decay"] is float
    assert declared(Options, "decay")["at_most"] == 1
    assert declared(Options, "activation")["choices"] == ("tanh", "relu", "soft")
    assert make_cell(Options(cell="decayed", decay=0.25)) == decayed(decay=0.25)
    with pytest.raises(OptionError, match=r"decay=2\.0 is out of range"):
        Options(cell="decayed", decay=2.0)
    with pytest.raises(OptionError, match="activation='relu' is not one of soft, tanh"):
        make_cell(Options(cell="decayed", activation="relu"))
    with pytest.raises(OptionError, match="activation='soft' is not one of tanh, relu"):
        make_cell(Options(cell="rnn", activation="soft"))


@pytest.mark.parametrize("name", CELLS)
def test_weight_drop_wants_recurrent_weights(name):
    network = NetworkOptions(cell=name, hidden_size=4, locked_dropout=0.0, weight_drop=0.2)
    if CELLS[name].recurrent_weights:
        assert network.encoder(3).weight_drop == 0.2
    else:
        with pytest.raises(OptionError, match=rf"weight_drop=0\.2: the cell {name} has no recurrent weights"):
            network.encoder(3)
    assert recurrent(network, 3, 4, weight_drop=0.0).cell == CELLS[name]()
