"""Names of files that more than one part of the house knows."""

PARTIAL = ".partial"
"""What the folder of an unfinished training has after the model's name."""
CHECKPOINT = "checkpoint-{}.safetensors"
"""A network's checkpoint in that folder, with the network's number."""
TOKEN_IDS = "token-ids"
"""A language model's texts as numbers, in that folder."""
