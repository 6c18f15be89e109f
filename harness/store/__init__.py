"""Content-addressed store on disk, its maintenance, and its mirror on object storage."""
