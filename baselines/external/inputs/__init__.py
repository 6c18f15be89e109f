"""The files that a foreign program is given."""
