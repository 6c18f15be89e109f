"""A baseline that reorders the clip's own mouths by the similarity of the audio."""
