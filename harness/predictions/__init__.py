"""Videos that another program generated, checked and read as the output of a model."""
