"""The tasks: one folder each. `anaphora.task.TASKS` lists them."""
