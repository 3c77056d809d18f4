from typing import Any

import numpy as np
import pytest

from anaphora.data.numbers import read_numbers
from anaphora.errors import DataError


def test_what_is_masked_is_missing() -> None:
    for values in ([1.0, 2.0, 3.0], [1, 2, 3]):
        found = read_numbers(np.ma.array(values, mask=[False, True, False]), "row 0")
        assert not isinstance(found, np.ma.MaskedArray)
        assert found.tolist() == [1, pytest.approx(np.nan, nan_ok=True), 3]


@pytest.mark.parametrize(
    "values",
    [
        np.array([1 + 2j]),
        [1 + 2j],
        np.array(["2020-01-01"], "M8[D]"),
        [np.datetime64("2020-01-01")],
        np.array([5], "m8[s]"),
        np.ma.array([1j], mask=[True]),
        ["x"],
        [[1.0], [1.0, 2.0]],
    ],
)
def test_what_is_no_array_of_numbers_is_refused(values: Any) -> None:
    with pytest.raises(DataError, match="row 3 cannot be read as an array of numbers"):
        read_numbers(values, "row 3")
