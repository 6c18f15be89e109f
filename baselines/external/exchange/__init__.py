"""What passes between the harness and a foreign program: inputs written for it, and its output read back."""
