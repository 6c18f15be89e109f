"""From a prepared clip and audio to frames."""
