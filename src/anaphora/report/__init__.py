"""What a person is shown: scores beside baselines, tables, plain sentences."""
