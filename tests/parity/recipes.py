"""Small networks of every task, with random weights, in both backends. Each task brings its own sample rows."""

import importlib

import numpy as np
import torch
from samples import random_array

from anaphora.config import fields_of
from anaphora.data.batch import collect
from anaphora.engine.ragged import last
from anaphora.net.build import Backend, build, shapes
from anaphora.runtime import blocks as runtime_blocks
from anaphora.task import task_class
from anaphora.tasks import TASKS, package
from anaphora.tasks.language.documents import Texts
from anaphora.train import blocks as training_blocks

EMPTY = 2  # the index of the empty row
SAMPLES = {
    f"{task}-{name}": (task, *sample)
    for task in TASKS
    for name, sample in importlib.import_module(package(task).SAMPLE).SAMPLES.items()
    if "step" not in name  # tests/parity/test_answers_to_steps.py
}


def rates(config):
    """The options that are rates of dropout."""
    return [name for name in fields_of(config) if name.endswith(("dropout", "_drop"))]


class Case:
    """A task learned from its sample rows, its network in both backends, and the rows as one batch."""

    def __init__(self, name, options):
        task, rows, targets, config, sizes = SAMPLES[name]
        known = {key: value for key, value in options.items() if key in fields_of(config)}  # some have no pool
        options = config(hidden_size=7, **sizes, **dict.fromkeys(rates(config), 0.0) | known).resolved(1)
        self.tokens = task == "language"
        self.task = task_class(task).learn(options, *((Texts(rows), True) if self.tokens else (rows, targets)))
        rng = np.random.default_rng(0)
        spec = self.task.spec()
        arrays = {key: random_array(rng, shape, 7).astype(np.float32) for key, shape in shapes(spec).items()}
        self.trains = build(self.task.recipe, spec, Backend(training_blocks), arrays).eval()
        self.runs = build(self.task.recipe, spec, Backend(runtime_blocks), arrays)
        self.rows = self.task.ids(rows) if self.tokens else self.task.encode(rows).inputs[0]
        self.inputs = self.batch(range(len(rows)))

    def batch(self, chosen):
        return collect([self.rows[i] for i in chosen])

    def in_torch(self, x, lengths_B):
        with torch.no_grad():
            return self._of_rows(self.trains(*map(torch.from_numpy, (x, lengths_B)))[0], lengths_B)

    def in_runtime(self, x, lengths_B):
        return self._of_rows(self.runs(x, lengths_B)[0], lengths_B)

    def _of_rows(self, outputs, lengths_B):
        """One output a row, in NumPy: of a language model, the features of each row's end."""
        outputs = np.asarray(outputs[0] if self.tokens else outputs)
        return last(outputs, lengths_B) if self.tokens else outputs

    @property
    def backends(self):
        return self.in_torch, self.in_runtime
