"""Training Wav2Lip."""
