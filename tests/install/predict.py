"""Run by an installed wheel's own Python, without pytest: saved models answer as expected, and torch is not there."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np

import anaphora


def check(golden: Path) -> int:
    """Compare the answers of every model in the folder, classifiers' and language models'; their number."""
    files = sorted(golden.glob("*.json"))
    for file in files:
        expected = json.loads(file.read_text(encoding="utf-8"))
        model = anaphora.load(file.with_suffix(""))
        if "probabilities" in expected:
            np.testing.assert_allclose(model.predict_proba(expected["texts"]), expected["probabilities"], rtol=1e-5)
        else:
            for text, scores in zip(expected["texts"], expected["scores"], strict=True):
                np.testing.assert_allclose(model.score([text])[0], scores, rtol=1e-4, atol=1e-5)
            assert model.generate(**expected["asked"]) == expected["written"]
    return len(files)


if __name__ == "__main__":
    assert importlib.util.find_spec("torch") is None, "torch is here"
    models = check(Path(sys.argv[1]))
    assert models, f"no models in {sys.argv[1]}"
    print(f"{models} models answer as expected, from {Path(anaphora.__file__).parent}")
