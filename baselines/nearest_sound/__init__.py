"""A bound row: the clip's own mouths, reordered by the similarity of the audio."""
