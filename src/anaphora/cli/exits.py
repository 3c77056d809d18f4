"""Exit statuses of the command line, beside 0."""

FAILURE = 1
MISTAKE = 2
INTERRUPTED = 130
