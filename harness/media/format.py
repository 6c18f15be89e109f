"""Rates of every prepared clip, to which all footage is brought."""

from __future__ import annotations

FPS = 25
"""Frames per second of every prepared clip; SyncNet and the published models know no other rate."""
SAMPLE_RATE = 16_000
"""Audio samples per second (mono) of every prepared clip."""
SAMPLES_PER_FRAME = SAMPLE_RATE // FPS
"""640: prepared audio has exactly this many samples per frame."""
