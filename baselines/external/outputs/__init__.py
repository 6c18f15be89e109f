"""The files that a foreign program left, checked."""
