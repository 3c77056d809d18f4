"""Files and arrays, made into examples, splits and batches."""
