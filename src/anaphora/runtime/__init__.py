"""Running a saved model, without torch."""
