"""Lip-sync error by SyncNet: LSE-C, LSE-D and the audio-video offset."""
