"""The tolerances of all engines, and the measure of error.

An error is max|actual - expected| / max|expected| over a whole tensor, where `expected` comes from the reference loop
in float64.
"""

import numpy as np

# The largest errors measured are 1e-14 and, in gradients at H = 13 and 512 and T = 500, 1.3e-6.
TOLERANCES = {
    "float64": 1e-12,
    "float32": 1e-5,
    # Errors of products of these types (tests/native/test_precision.py); measured are 6e-3 and 1.3e-2.
    "bfloat16": 1e-2,
    "int8": 2e-2,
}


def error(actual, expected):
    """max|actual - expected| / max|expected|; NaN, which no tolerance allows, if a number is NaN."""
    actual, expected = as_numpy(actual), as_numpy(expected)
    assert actual.shape == expected.shape, f"shape {actual.shape}, but {expected.shape} is expected"
    if expected.size == 0:
        return 0.0
    difference = np.abs(actual.astype(np.float64) - expected).max()
    scale = np.abs(expected).max()
    return float(difference / scale) if scale > 0 else float(difference)


def tolerance(array):
    """The tolerance for the dtype of an array."""
    return TOLERANCES[str(as_numpy(array).dtype)]


def as_numpy(array):
    """A torch tensor as a NumPy array."""
    return array if isinstance(array, np.ndarray) else array.detach().cpu().numpy()


def assert_close(actual, expected, what=""):
    """Assert that the error is within the tolerance for the dtype of `actual`."""
    measured = error(actual, expected)
    assert measured <= tolerance(actual), f"{what}: error {measured:.2e}, allowed {tolerance(actual):.0e}"


def assert_all_close(actual, expected):
    """The same for every array of two tuples or dictionaries."""
    pairs = actual.items() if isinstance(actual, dict) else enumerate(actual)
    assert len(actual) == len(expected)
    for name, array in pairs:
        assert_close(array, expected[name], name)
