"""What a network must beat: one file for each kind of data."""
