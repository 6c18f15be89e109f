"""Reference rows and other people's models."""
