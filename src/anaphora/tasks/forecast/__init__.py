"""Forecasting: the next values of series. The names are imported when they are first used (`anaphora.task`)."""

TASK = "anaphora.tasks.forecast.task.Forecast"
ESTIMATORS = {"Forecaster": "anaphora.tasks.forecast.estimator.Forecaster"}
COMMANDS = "anaphora.tasks.forecast.commands"
SAMPLE = "anaphora.tasks.forecast.sample"
