"""The linear model of texts: NumPy runs what scikit-learn fits."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from anaphora.baselines import linear
from anaphora.baselines.linear import FACTS, PATTERNS, SIGNS, Linear, fit_baseline, fit_partner, from_folder, to_folder
from anaphora.errors import BundleError

WORDS = np.array(["red", "rose", "green", "leaf", "root", "a", "of", "the", "old", "!", "élan"])
UNSEEN = ["", "nothing known", "red rose rose ! the old", "THE Élan of a leaf", "root", "a a a"]


def garden(kinds: int, rows: int = 90) -> tuple[list[str], list[str]]:
    """Texts of words whose shares depend on the label, so that no model is right about all."""
    rng = np.random.default_rng(3)
    shares_KW = rng.dirichlet(np.ones(len(WORDS)), kinds)
    labels = [row % kinds for row in range(rows)]
    return [" ".join(rng.choice(WORDS, 9, p=shares_KW[k])) for k in labels], [f"kind{k}" for k in labels]


@pytest.mark.parametrize("kinds", [2, 4])
def test_the_baseline_answers_as_scikit_learns_own_pipeline(kinds: int) -> None:
    texts, labels = garden(kinds)
    fitted = fit_baseline(texts, labels)
    assert fitted is not None
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=fitted.strength, max_iter=2_000).fit(vectorizer.fit_transform(texts), labels)
    expected = model.predict_proba(vectorizer.transform([*texts, *UNSEEN]))
    np.testing.assert_allclose(fitted.shares([*texts, *UNSEEN]), expected, atol=2e-4)
    assert fitted.labels == tuple(model.classes_)


def by_the_equation(texts: list[str], labels: list[str], unseen: list[str], strength: float) -> np.ndarray:
    """Wang & Manning 2012, sections 2.1 and 2.3: presence times log-count ratio, logistic regression."""
    counter = CountVectorizer(token_pattern=PATTERNS[SIGNS], ngram_range=(1, 2), min_df=2, binary=True)
    there, asked, truth = counter.fit_transform(texts).toarray(), counter.transform(unseen).toarray(), np.array(labels)
    found = []
    for label in sorted(set(labels)):
        p, q = 1 + there[truth == label].sum(0), 1 + there[truth != label].sum(0)
        ratio = np.log((p / p.sum()) / (q / q.sum()))
        model = LogisticRegression(C=strength, max_iter=2_000).fit(there * ratio, truth == label)
        found.append(model.predict_proba(asked * ratio)[:, 1])
    shares = np.array(found).T
    return shares / shares.sum(1, keepdims=True) if len(found) > 2 else shares


@pytest.mark.parametrize("kinds", [2, 4])
def test_naive_bayes_weights_are_those_of_the_equation(kinds: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(linear, "STRENGTHS", ())
    texts, labels = garden(kinds)
    fitted = fit_partner(texts, labels)
    assert fitted is not None
    assert fitted.idf is None
    expected = by_the_equation(texts, labels, [*texts, *UNSEEN], fitted.strength)
    np.testing.assert_allclose(fitted.shares([*texts, *UNSEEN]), expected, atol=2e-4)


def test_the_partner_is_the_way_with_the_smallest_log_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    losses = {0.3: [0.2, 0.3, 0.1], 1.0: [0.2, 0.5, 0.3]}

    def judged(self: object, way: tuple[bool, float], *fold: object) -> float:
        return losses[way[1]].pop()

    monkeypatch.setattr(linear._Fitting, "_judged", judged)
    monkeypatch.setattr(linear, "STRENGTHS", (1.0,))
    monkeypatch.setattr(linear, "BAYES_STRENGTHS", (0.3,))
    fitted = fit_partner(*garden(2))
    assert fitted is not None
    assert (fitted.idf is None, fitted.strength) == (True, 0.3)


def test_ratios_are_counted_without_the_rows_that_judge_them(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []

    def spy(rows: list[object], *given: object) -> object:
        counted.append(len(rows))
        return log_count_ratios(rows, *given)

    log_count_ratios = linear.log_count_ratios
    monkeypatch.setattr(linear, "log_count_ratios", spy)
    fit_partner(*garden(2, rows=90))
    assert set(counted) <= {60, 90}
    assert counted.count(60) == 3 * len(linear.BAYES_STRENGTHS)


def test_the_partner_reads_signs_and_the_baseline_does_not() -> None:
    texts, labels = ["so a film", "so a film !"] * 12, ["calm", "loud"] * 12
    partner, baseline = fit_partner(texts, labels), fit_baseline(texts, labels)
    assert partner is not None
    assert baseline is not None
    assert partner.predict(texts) == labels
    assert len(set(baseline.predict(texts))) == 1


@pytest.mark.parametrize("kinds", [2, 4])
def test_a_partner_survives_its_folder(kinds: int) -> None:
    fitted = fit_partner(*garden(kinds))
    assert fitted is not None
    again = from_folder(to_folder(fitted))
    np.testing.assert_array_equal(again.shares(UNSEEN), fitted.shares(UNSEEN))
    assert again.method == fitted.method


def test_texts_without_a_word_have_no_partner() -> None:
    assert fit_partner([".", ",", ";", ""], ["a", "b", "a", "b"]) is None


def test_no_texts_have_no_shares() -> None:
    fitted = fit_baseline(*garden(4))
    assert fitted is not None
    assert fitted.shares([]).shape == (0, 4)


def test_scores_far_from_all_labels_make_shares_all_the_same() -> None:
    weight, bias = np.zeros((3, 1), np.float32), np.full(3, -200, np.float32)
    far = Linear(("a", "b", "c"), 1.0, SIGNS, ("x",), None, weight, bias)
    np.testing.assert_allclose(far.shares(["x"]), np.full((1, 3), 1 / 3))


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"labels": ["a", "b"], "C": 1, "reads": "minds"}'])
def test_a_damaged_folder_is_a_bundle_error_in_one_line(content: bytes) -> None:
    fitted = fit_partner(*garden(2))
    assert fitted is not None
    with pytest.raises(BundleError) as caught:
        from_folder(to_folder(fitted) | {FACTS: content})
    assert "\n" not in str(caught.value)
    assert "linear/" in str(caught.value)
