"""`bench doctor`: what can be computed on this machine, and what to do for the rest."""
