"""Run by an installed wheel's own Python, without pytest: saved models answer as expected, and torch is not there."""

import importlib.util
import json
import sys
import tempfile
from pathlib import Path

import numpy as np

import anaphora
import anaphora.errors
from anaphora.tasks.sequences.baseline import SequenceBaselines


def check(golden: Path) -> int:
    """Compare the answers of every model in the folder; their number."""
    files = sorted(golden.glob("*.json"))
    for file in files:
        expected = json.loads(file.read_text(encoding="utf-8"))
        model = anaphora.load(file.with_suffix(""))
        if "probabilities" in expected:
            np.testing.assert_allclose(model.predict_proba(expected["texts"]), expected["probabilities"], rtol=1e-5)
        elif "continued" in expected:
            check_forecaster(model, expected)
        elif "sequences" in expected:
            check_sequence_model(model, expected)
        else:
            check_language_model(model, expected)
    return len(files)


def check_forecaster(model, expected):
    """It goes on with series, each in its own scale, with what is known of the time to come."""
    found = model.forecast(expected["values"], expected["stamps"], expected["covariates"])
    assert [one.name for one in found] == [series["name"] for series in expected["continued"]]
    for one, series in zip(found, expected["continued"], strict=True):
        assert [str(stamp) for stamp in one.stamps_h] == series["stamps"]
        np.testing.assert_allclose(one.mean_h, series["mean"], rtol=1e-5)
        np.testing.assert_allclose(one.quantiles_hQ, series["quantiles"], rtol=1e-5)
    medians = model.predict(expected["values"], expected["stamps"], expected["covariates"])
    np.testing.assert_array_equal(medians, [one.median for one in found])


def check_sequence_model(model, expected):
    """A sequence of numbers has the answers that it had, and so has the linear model beside the network."""
    rows = [np.array(row) for row in expected["sequences"]]
    tell = model.predict_proba if hasattr(model, "predict_proba") else model.predict
    for answer, own in zip(tell(rows), expected["answers"], strict=True):
        np.testing.assert_allclose(answer, own, rtol=1e-5, atol=1e-6)
    if "linear" in expected:
        answers = SequenceBaselines.from_files(model.bundle_.baseline).predict(rows)
        assert answers["linear"].tolist() == expected["linear"]


def check_language_model(model, expected):
    """Everything that a language model does without torch: reading, writing, states of writing."""
    texts = expected["texts"]
    for text, scores in zip(texts, expected["scores"], strict=True):
        np.testing.assert_allclose(model.log_probabilities([text])[0], scores, rtol=1e-4, atol=1e-5)
    surprise = -np.mean(expected["scores"][0])
    np.testing.assert_allclose(model.perplexity(texts[0]), np.exp(surprise), rtol=1e-4)
    np.testing.assert_allclose(model.evaluate(texts[0])["loss"], surprise, rtol=1e-4)
    assert [bool(row.any()) for row in model.embed(texts)] == [bool(text) for text in texts]

    asked = dict(expected["asked"])
    assert model.generate(**asked) == expected["written"]
    state, length = model.start(asked.pop("prompt")), asked.pop("length")
    (first,) = state.write(length // 2, **asked)
    with tempfile.TemporaryDirectory() as folder:
        state.save(Path(folder) / "state")
        for other in (state.copy(), model.resume(Path(folder) / "state"), state):
            assert first + other.write(length - length // 2, **asked)[0] == expected["written"]


def check_what_needs_torch(golden: Path) -> None:
    model = anaphora.load(golden / "v1-writer")
    for needing in (lambda: model.fit("a text"), lambda: model.evaluate("hello", dynamic=True)):
        said = "nothing"
        try:
            needing()
        except anaphora.errors.MissingExtra as error:
            said = str(error)
        assert "train" in said, said


if __name__ == "__main__":
    assert importlib.util.find_spec("torch") is None, "torch is here"
    models = check(Path(sys.argv[1]))
    check_what_needs_torch(Path(sys.argv[1]))
    assert models, f"no models in {sys.argv[1]}"
    print(f"{models} models answer as expected, from {Path(anaphora.__file__).parent}")
