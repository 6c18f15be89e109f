"""Videos generated elsewhere, checked and read as the output of a model."""
