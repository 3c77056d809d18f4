"""Verdicts: one plain sentence that says which model wins, by a test."""

from collections.abc import Mapping


def interval(test: Mapping[str, float], form: str) -> tuple[bool, str]:
    """Whether the 95 % interval of a difference excludes 0, and the interval in words; `form` formats a number."""
    low, high = test["low"], test["high"]
    if low == float("-inf"):
        return False, "one row has no interval"
    difference, low_text, high_text = (form.format(test[key]) for key in ("difference", "low", "high"))
    return not low <= 0 <= high, f"difference {difference}, 95 % between {low_text} and {high_text}"


def winner(against: str, gained: float, certain: bool, how: str, who: str = "network") -> str:
    """Who wins: `against` has both scores, `gained` is above 0 where the network is better, `how` names the test."""
    if not certain:
        return f"No clear winner: the {who} gets {against}; the difference may be chance ({how})."
    if gained > 0:
        return f"The {who} is better than the linear baseline: {against} ({how})."
    return f"The linear baseline is better than the {who}: {against} ({how}). Prefer it here; it is simpler, too."
