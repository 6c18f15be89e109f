"""Training StyleLipSync."""
