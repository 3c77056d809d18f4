"""Sequences of numbers: labels or numbers for each row or step. The names are imported when they are first used
(`anaphora.task`).
"""

TASK = "anaphora.tasks.sequences.task.Sequences"
FORMER_NAMES = ("classify_sequences", "regress")
ESTIMATORS = {
    "SequenceClassifier": "anaphora.tasks.sequences.classifier.SequenceClassifier",
    "SequenceRegressor": "anaphora.tasks.sequences.regressor.SequenceRegressor",
}
TRAIN = "anaphora.tasks.sequences.train_command.train"
COMMANDS = "anaphora.tasks.sequences.commands"
SAMPLE = "anaphora.tasks.sequences.sample"
