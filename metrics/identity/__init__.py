"""Whether the speaker is still the same: CSIM."""
