"""Audio front ends that several models share."""
