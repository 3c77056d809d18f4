"""The baselines of a text classifier: the most frequent label, and a linear model on TF-IDF of words and word pairs.

Both are fitted on exactly the network's training rows. Cross-validation chooses the linear model's regularisation, so
that it is a good model and no straw man.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from anaphora import arrays
from anaphora.data.duplicates import text_keys
from anaphora.errors import BundleError
from anaphora.tasks.classify.linear import DAMAGED, Linear
from anaphora.tasks.classify.linear_fit import fit_baseline

FACTS = "baseline.json"
ROWS = "training_rows.safetensors"


@dataclass(frozen=True)
class Baselines:
    """Both baselines of a bundle; `linear` is None where the training texts held no word."""

    majority: str
    linear: Linear | None

    @classmethod
    def fit(cls, texts: Sequence[str], labels: Sequence[str]) -> Self:
        return cls(Counter(labels).most_common(1)[0][0], fit_baseline(texts, labels))

    def predict(self, texts: Sequence[str]) -> dict[str, list[str]]:
        """The answers of each baseline, by its name."""
        answers = {"majority": [self.majority] * len(texts)}
        return answers | ({"linear": self.linear.predict(texts)} if self.linear else {})

    def to_files(self) -> dict[str, bytes]:
        """The contents of a bundle's `baseline/`."""
        facts: dict[str, Any] = {"majority": self.majority}
        files: dict[str, bytes] = {}
        if self.linear:
            facts |= self.linear.facts()
            files = self.linear.to_files()
        return files | {FACTS: json.dumps(facts, indent=2, ensure_ascii=False).encode()}

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Self:
        """The baselines of a bundle. Raises BundleError where they are missing or damaged."""
        try:
            facts = json.loads(files[FACTS])
            if not isinstance(facts["majority"], str):
                raise TypeError(f"majority={facts['majority']!r}")
            return cls(facts["majority"], Linear.from_files(facts, files) if "linear" in facts else None)
        except DAMAGED as error:
            raise BundleError(f"the model's baseline/ is damaged: {type(error).__name__}: {error}") from error


def rows_files(texts: Sequence[str]) -> dict[str, bytes]:
    """The training rows as numbers, so that a test file's overlap with them can be counted."""
    return {ROWS: arrays.to_bytes({"keys": np.unique(text_keys(texts))})}


def seen_in(files: Mapping[str, bytes], texts: Sequence[str]) -> int:
    """How many of the texts were trained on, case and signs aside."""
    if ROWS not in files:
        return 0
    try:
        keys = arrays.from_bytes(files[ROWS])["keys"]
    except (ValueError, KeyError) as error:
        raise BundleError(f"the model's baseline/ is damaged: {type(error).__name__}: {error}") from error
    return int(np.isin(text_keys(texts), keys).sum())
