"""Rows for the parity tests: none, since a forecaster learns from windows. `tests/forecaster` has its parity test."""

from typing import Any

SAMPLES: dict[str, Any] = {}
