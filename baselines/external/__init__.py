"""Other people's repositories as models under test: one description each, one engine for all, none of their code."""
