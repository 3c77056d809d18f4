"""Classifying texts: one label for each. The names are imported when they are first used (`anaphora.task`)."""

TASK = "anaphora.tasks.classify.task.Classify"
ESTIMATORS = {"TextClassifier": "anaphora.tasks.classify.estimator.TextClassifier"}
COMMANDS = "anaphora.tasks.classify.commands"
TRAIN = "anaphora.tasks.classify.train_command.train"
MORE_COMMANDS = {"demo": "anaphora.tasks.classify.demo"}
SAMPLE = "anaphora.tasks.classify.sample"
