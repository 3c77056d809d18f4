"""Language models: the next token of a text. The names are imported when they are first used (`anaphora.task`)."""

TASK = "anaphora.tasks.language.task.Language"
ESTIMATORS = {"LanguageModel": "anaphora.tasks.language.estimator.LanguageModel"}
COMMANDS = "anaphora.tasks.language.commands"
MORE_COMMANDS = {"generate": "anaphora.tasks.language.generate_command"}
SAMPLE = "anaphora.tasks.language.sample"
