"""A forecaster that is fitted once."""

import pytest
from waves import MONTHS, QUICK, WAVE

from anaphora import Forecaster


@pytest.fixture(scope="module")
def fitted() -> Forecaster:
    return Forecaster(**QUICK).fit(WAVE[:140], MONTHS[:140])
