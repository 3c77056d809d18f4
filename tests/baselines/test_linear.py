"""The linear model of texts: NumPy runs what scikit-learn fits."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from anaphora import arrays
from anaphora.errors import BundleError
from anaphora.tasks.classify import linear_fit
from anaphora.tasks.classify.linear import (
    ARRAYS,
    FACTS,
    PATTERNS,
    SIGNS,
    Linear,
    from_files,
    to_files,
)
from anaphora.tasks.classify.linear_fit import Candidate, fit_baseline

LOUD_FACTS = {"linear": "", "C": 1, "labels": ["a", "b"], "reads": SIGNS}
WORDS = np.array(["red", "rose", "green", "leaf", "root", "a", "of", "the", "old", "!", "élan"])
UNSEEN = ["", "nothing known", "red rose rose ! the old", "THE Élan of a leaf", "root", "a a a"]


def garden(kinds: int, rows: int = 90, seed: int = 3) -> tuple[list[str], list[str]]:
    """Texts of words whose shares depend on the label, so that no model is right about all."""
    rng = np.random.default_rng(seed)
    shares_KW = rng.dirichlet(np.ones(len(WORDS)), kinds)
    labels = [row % kinds for row in range(rows)]
    return [" ".join(rng.choice(WORDS, 9, p=shares_KW[k])) for k in labels], [f"kind{k}" for k in labels]


def fit_member(texts: list[str], labels: list[str], **more: bool) -> Linear | None:
    """Each text alone in its group."""
    return linear_fit.fit_member(texts, labels, range(len(texts)), **more)


@pytest.mark.parametrize("kinds", [2, 4])
def test_the_baseline_answers_as_scikit_learns_own_pipeline(kinds: int) -> None:
    texts, labels = garden(kinds)
    fitted = fit_baseline(texts, labels)
    assert fitted is not None
    vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True)
    model = LogisticRegression(C=fitted.strength, max_iter=2_000).fit(vectorizer.fit_transform(texts), labels)
    expected = model.predict_proba(vectorizer.transform([*texts, *UNSEEN]))
    np.testing.assert_allclose(fitted.probabilities([*texts, *UNSEEN]), expected, atol=2e-4)
    assert fitted.labels == tuple(model.classes_)


@pytest.mark.parametrize("kinds", [2, 4])
@pytest.mark.parametrize("noise", [0, 1, 2])
def test_the_baselines_strength_is_that_of_a_grid_search(kinds: int, noise: int) -> None:
    texts, labels = garden(kinds, seed=noise)
    fitted = fit_baseline(texts, labels)
    features = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, dtype=np.float32).fit_transform(texts)
    search = GridSearchCV(LogisticRegression(max_iter=2_000), {"C": list(linear_fit.STRENGTHS)}, cv=3).fit(
        features, labels
    )
    assert fitted is not None
    assert fitted.strength == search.best_params_["C"]
    np.testing.assert_allclose(fitted.weight, search.best_estimator_.coef_, atol=1e-4)


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
    monkeypatch.setattr(linear_fit, "MEMBER_STRENGTHS", ())
    texts, labels = garden(kinds)
    fitted = fit_member(texts, labels)
    assert fitted is not None
    assert fitted.idf is None
    expected = by_the_equation(texts, labels, [*texts, *UNSEEN], fitted.strength)
    np.testing.assert_allclose(fitted.probabilities([*texts, *UNSEEN]), expected, atol=2e-4)


def test_the_partner_is_the_way_with_the_smallest_log_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter([[0.2, 0.1], [0.5, 0.3], [0.3, 0.4]])
    monkeypatch.setattr(linear_fit._Fitting, "_losses", lambda *_: next(found))
    monkeypatch.setattr(linear_fit, "MEMBER_STRENGTHS", (1.0,))
    monkeypatch.setattr(linear_fit, "BAYES_STRENGTHS", (0.3,))
    fitted = fit_member(*garden(2))
    assert fitted is not None
    assert (fitted.idf is None, fitted.strength) == (True, 0.3)


def test_ratios_are_counted_without_the_rows_that_judge_them(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []

    def spy(rows: list[object], *given: object) -> object:
        counted.append(len(rows))
        return log_count_ratios(rows, *given)

    log_count_ratios = linear_fit.log_count_ratios
    monkeypatch.setattr(linear_fit, "log_count_ratios", spy)
    fit_member(*garden(2, rows=90))
    assert set(counted) <= {60, 90}
    assert counted.count(60) == 3  # once a fold, whatever C


def test_copies_of_a_text_are_on_one_side_of_a_fold() -> None:
    """Labels drawn by chance: what a copy tells of a copy would make the partner sure of itself."""
    rng = np.random.default_rng(0)
    texts, labels = garden(2, rows=60)
    labels = rng.permutation(labels).tolist()
    copied, groups = texts * 3, list(range(60)) * 3
    apart = linear_fit.fit_member(copied, labels * 3, groups)
    across = linear_fit.fit_member(copied, labels * 3, range(180))
    assert apart is not None
    assert across is not None
    assert apart.probabilities(texts).max(axis=1).mean() < across.probabilities(texts).max(axis=1).mean() - 0.05


@pytest.mark.parametrize("kinds", [2, 4])
@pytest.mark.parametrize("bayes", [True, False])
def test_balanced_labels_weigh_the_same(kinds: int, bayes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Texts that say nothing of their labels, of which the first is rare."""
    monkeypatch.setattr(linear_fit, "MEMBER_STRENGTHS", () if bayes else (1.0,))
    monkeypatch.setattr(linear_fit, "BAYES_STRENGTHS", (0.03,) if bayes else ())
    texts, _ = garden(1, rows=300)
    labels = ["rare" if row % 20 == 0 else f"usual{row % (kinds - 1)}" for row in range(len(texts))]
    shares = []
    for balanced in (False, True):
        fitted = fit_member(texts, labels, balanced=balanced)
        assert fitted is not None
        shares.append(fitted.probabilities(texts)[:, fitted.labels.index("rare")].mean())
    assert shares[0] == pytest.approx(1 / 20, abs=0.02)
    assert shares[1] == pytest.approx(1 / kinds, rel=0.3)


@pytest.mark.parametrize("labels", [["a", "b", "b", "b"], ["a", "b", "c", "b"], ["a", "a", "b", "b"]])
def test_labels_may_have_fewer_rows_than_there_are_folds(labels: list[str]) -> None:
    fitted = fit_member(["red rose", "green leaf", "green root", "old leaf"], labels)
    assert fitted is not None
    assert fitted.probabilities(UNSEEN).shape == (len(UNSEEN), len(set(labels)))


def test_few_groups_leave_nothing_to_choose_by() -> None:
    texts, labels = garden(2)
    fitted = linear_fit.fit_member(texts, labels, [row % 2 for row in range(len(texts))])
    assert fitted is not None
    assert Candidate(fitted.idf is None, fitted.strength) == Candidate(False, linear_fit.MEMBER_STRENGTHS[0])


def test_the_partner_reads_signs_and_the_baseline_does_not() -> None:
    texts, labels = ["so a film", "so a film !"] * 12, ["calm", "loud"] * 12
    partner, baseline = fit_member(texts, labels), fit_baseline(texts, labels)
    assert partner is not None
    assert baseline is not None
    assert partner.predict(texts) == labels
    assert len(set(baseline.predict(texts))) == 1


@pytest.mark.parametrize("kinds", [2, 4])
def test_a_partner_survives_its_folder(kinds: int) -> None:
    fitted = fit_member(*garden(kinds))
    assert fitted is not None
    again = from_files(to_files(fitted))
    np.testing.assert_array_equal(again.probabilities(UNSEEN), fitted.probabilities(UNSEEN))
    assert again.method == fitted.method


def test_texts_without_a_word_have_no_partner() -> None:
    assert fit_member([".", ",", ";", ""], ["a", "b", "a", "b"]) is None


def test_no_texts_have_no_shares() -> None:
    fitted = fit_baseline(*garden(4))
    assert fitted is not None
    assert fitted.probabilities([]).shape == (0, 4)


def test_scores_far_from_all_labels_make_shares_all_the_same() -> None:
    weight, bias = np.zeros((3, 1), np.float32), np.full(3, -200, np.float32)
    far = Linear(("a", "b", "c"), 1.0, SIGNS, ("x",), None, weight, bias)
    np.testing.assert_allclose(far.probabilities(["x"]), np.full((1, 3), 1 / 3))


def folder() -> dict[str, bytes]:
    fitted = fit_member(*garden(2))
    assert fitted is not None
    return to_files(fitted)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b"[" * 100_000,
        json.dumps(LOUD_FACTS | {"reads": "minds"}).encode(),
        json.dumps(LOUD_FACTS | {"labels": ["a", "a"]}).encode(),
        json.dumps(LOUD_FACTS | {"labels": [["a"], "b"]}).encode(),
        json.dumps(LOUD_FACTS | {"C": 10**400}).encode(),
    ],
)
def test_damaged_facts_are_a_bundle_error_in_one_line(content: bytes) -> None:
    with pytest.raises(BundleError) as caught:
        from_files(folder() | {FACTS: content})
    assert "\n" not in str(caught.value)
    assert "linear/" in str(caught.value)


@pytest.mark.parametrize(
    "change", [lambda bias: bias * np.nan, lambda bias: bias.astype(np.float64), lambda bias: bias[:0]]
)
def test_arrays_that_are_not_what_they_should_be_are_refused(change: Callable[[np.ndarray], np.ndarray]) -> None:
    files = folder()
    fitted = arrays.from_bytes(files[ARRAYS])
    with pytest.raises(BundleError, match="bias"):
        from_files(files | {ARRAYS: arrays.to_bytes(fitted | {"bias": change(fitted["bias"])})})
