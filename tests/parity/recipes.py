"""Small networks of every task, with random weights, in the training kit and in the runtime's."""

from dataclasses import fields

import numpy as np
import torch
from samples import random_array

from anaphora.data.batch import Examples, collect
from anaphora.tasks.language.documents import Texts
from anaphora.engine.ragged import last
from anaphora.net.build import build, shapes
from anaphora.runtime import blocks as runtime_kit
from anaphora.task import TASKS
from anaphora.train import blocks as train_kit

TEXTS = ["the cat sat", "a dog", "", "the dog ran and the cat sat on a mat all day", "rain"]
SERIES = [np.random.default_rng(length).standard_normal((length, 3)) for length in (3, 2, 0, 11, 1)]
EMPTY = 2  # the place of the empty row

# For every recipe that reads rows of unequal length (of a forecaster's windows: tests/forecaster): rows, their targets,
# and the sizes of a small network.
ROWS = {
    "classify": (TEXTS, [1, 2, 1, 2, 1], {"min_count": 1, "embedding_size": 6}),
    "language": (TEXTS, None, {"level": "word", "min_count": 1, "embedding_size": 6}),
    "regress": (SERIES, [0.5, -1.0, 2.0, 3.0, 1.0], {}),
}


def rates(name):
    """The options of a task that are rates of dropout."""
    return [field.name for field in fields(TASKS[name].Config) if field.name.endswith(("dropout", "_drop"))]


class Case:
    """A task learned from its rows, its network in both kits, and the rows as one batch."""

    def __init__(self, name, options, rows=None, targets=None):
        rows, targets, sizes = ROWS[name] if rows is None else (rows, targets, {})
        known = {field.name for field in fields(TASKS[name].Config)}  # a language model has no pool
        own = {key: value for key, value in options.items() if key in known}
        config = TASKS[name].Config(hidden_size=7, **sizes, **dict.fromkeys(rates(name), 0.0) | own)
        self.writes = name == "language"
        config = config.resolved(1)
        given = (Texts(rows), True) if self.writes else (rows, targets)
        self.task = TASKS[name].learn(config, *given)
        rng = np.random.default_rng(0)
        spec = self.task.spec()
        arrays = {key: random_array(rng, shape, 7).astype(np.float32) for key, shape in shapes(spec).items()}
        self.trains = build(self.task.recipe, spec, train_kit, arrays).eval()
        self.runs = build(self.task.recipe, spec, runtime_kit, arrays)
        self.examples = Examples(self.task.ids(rows)) if self.writes else self.task.encode(rows)
        self.inputs = self.batch(range(len(rows)))

    def batch(self, chosen):
        return collect(self.examples, np.array(chosen)).inputs

    def in_torch(self, x, lengths_B):
        with torch.no_grad():
            return self.one_a_row(self.trains(*map(torch.from_numpy, (x, lengths_B)))[0].numpy(), lengths_B)

    def in_runtime(self, x, lengths_B):
        return self.one_a_row(self.runs(x, lengths_B)[0], lengths_B)

    def one_a_row(self, features, lengths_B):
        """Of a language model's features, those of each row's end."""
        return last(features, lengths_B) if self.writes else features

    def answers(self, net, features):
        if not self.writes:
            return net.head(features)
        weight, bias = self.task.recipe.head(net)
        return features @ weight.T + bias

    @property
    def kits(self):
        return self.in_torch, self.in_runtime
