"""Results for other programs: long tables and experiment trackers."""
