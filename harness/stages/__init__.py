"""The cached stages of one clip: prepare it, generate its frames."""
