"""The estimators: one for each task, in scikit-learn's words."""
