"""`bench generate`: dubs a video with a recording, composites the result into the full frame, marks it as synthetic."""
