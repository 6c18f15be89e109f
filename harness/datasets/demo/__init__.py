"""The demo dataset: synthetic talking heads, rendered on the user's machine from small portraits."""
