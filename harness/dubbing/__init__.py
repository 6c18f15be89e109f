"""`bench generate`: one video dubbed with one recording, pasted back into the full frame, marked as synthetic."""
