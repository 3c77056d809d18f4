"""Classifying texts: one label for each. The names are imported when they are first used (`anaphora.task`)."""

TASK = "anaphora.tasks.classify.task.Classify"
ESTIMATORS = {"TextClassifier": "anaphora.tasks.classify.estimator.TextClassifier"}
TRAIN = "anaphora.tasks.classify.train_command.train"
COMMANDS = "anaphora.tasks.classify.commands"
MORE_TRAIN = "anaphora.tasks.classify.train_command.train"
COMMANDS = {"demo": "anaphora.tasks.classify.demo"}
SAMPLE = "anaphora.tasks.classify.sample"
