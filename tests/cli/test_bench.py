"""`anaphora bench` measures what it says."""

import json

import pytest

from anaphora.cli import benchmark


@pytest.mark.slow
def test_the_table_has_a_row_for_each_kind_of_work(run):
    done = run("bench", "--shape", "small", "--cell", "rnn", "--repeats", "1", "--threads", "1", "--json")
    rows = [json.loads(line) for line in done.out.splitlines()]
    assert [(row["shape"], row["cell"], row["work"]) for row in rows] == [
        ("small", "rnn", "train"),
        ("small", "rnn", "infer"),
    ]
    for row in rows:
        ours, theirs, half = (row["seconds"][name] for name in ("anaphora", "torch", "torch bf16"))
        auto = row["seconds"].get("anaphora bf16", ours)
        assert row["ratio_float32"] == pytest.approx(theirs / ours)
        assert row["ratio_auto"] == pytest.approx(min(theirs, half) / auto)
        assert 0.001 < row["gflop"] < 1


def test_the_work_is_counted_as_multiplications_and_additions():
    shape = benchmark.Shape(B=2, T=3, D=5, H=7, layers=2)
    forward = 2 * 2 * 3 * 4 * 7 * ((5 + 7) + (7 + 7)) / 1e9
    assert shape.gflop("lstm", training=False) == pytest.approx(forward)
    assert shape.gflop("rnn", training=True) == pytest.approx(3 * forward / 4)


def test_calls_take_turns_and_their_medians_count():
    order = []
    told = {"a": iter([9.0, 1.0, 9.0, 3.0, 9.0, 2.0]), "b": iter([0.0, 4.0] * 3)}

    def call(name):
        order.append(name)
        return next(told[name])

    seconds = benchmark.in_turn({name: lambda name=name: call(name) for name in told}, 3)
    assert seconds == {"a": 2.0, "b": 4.0}
    assert "".join(order) == "aabb" * 3


def test_a_ratio_is_over_the_fastest_other_of_its_kind():
    seconds = {"anaphora": 2.0, "torch": 6.0, "torch bf16": 3.0, "Keras": 5.0}
    row = benchmark.Row("small", "gru", "train", seconds, 1.0)
    assert (row.ratio(half=False), row.ratio(half=True)) == (2.5, 1.5)
    rounding = benchmark.Row("small", "gru", "train", seconds | {"anaphora bf16": 1.0}, 1.0)
    assert (rounding.ratio(half=False), rounding.ratio(half=True)) == (2.5, 3.0)
    other = benchmark.Row("news", "gru", "train", {"anaphora": 1.0, "torch": 10.0}, 1.0)
    assert benchmark.geometric_means([row, other], half=False) == {("gru", "train"): pytest.approx(5.0)}
