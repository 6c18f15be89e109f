"""The sync expert that judges lip sync in training."""
