"""Real data, where ANAPHORA_DATA names the folder that holds it."""

import numpy as np
import pytest

from anaphora import TextClassifier
from anaphora.data.split import split
from anaphora.data.table import read_table

pytestmark = [pytest.mark.data, pytest.mark.slow]


def test_tweets_beat_or_match_the_linear_baseline(real_data):
    table = read_table(real_data / "airline" / "Tweets.csv", ["text"], "airline_sentiment", drop_duplicates=True)
    kept, held = split(table.texts, table.labels, 0.2, np.random.default_rng(7))
    texts, labels = np.array(table.texts, object), np.array(table.labels, object)
    model = TextClassifier(seed=7).fit(texts[kept].tolist(), labels[kept].tolist())
    scores = model.evaluate(texts[held].tolist(), labels[held].tolist())
    assert scores["baselines"]["linear"]["macro_f1"] > 0.70  # no straw man
    assert scores["macro_f1"] > scores["baselines"]["linear"]["macro_f1"] - 0.01


def test_reviews_are_learned_from_a_sample(real_data):
    table = read_table(real_data / "imdb" / "train.jsonl.gz", ["text"], "label")
    chosen = np.random.default_rng(0).permutation(len(table.texts))[:3_000]
    texts, labels = [table.texts[i] for i in chosen], [table.labels[i] for i in chosen]
    model = TextClassifier(max_length=150, hidden_size=48, epochs=4).fit(texts[:2_500], labels[:2_500])
    scores = model.evaluate(texts[2_500:], labels[2_500:])
    assert scores["accuracy"] > 0.70
    assert scores["baselines"]["linear"]["accuracy"] > 0.80
