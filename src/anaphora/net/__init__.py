"""Networks as data: blocks, the options that all networks share, and building a network from its blocks."""
