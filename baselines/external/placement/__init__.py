"""Where the frames of a foreign program lie in the canonical crop."""
