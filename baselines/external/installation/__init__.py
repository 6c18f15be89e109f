"""Clone, weights and environment of a foreign program."""
