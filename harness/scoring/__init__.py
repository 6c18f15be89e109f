"""Score the frames of one clip with all scorers in one pass."""
