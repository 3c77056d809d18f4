"""Text: cleaned, cut into tokens, encoded as ids."""
