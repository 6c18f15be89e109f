"""The published SyncNet (Chung and Zisserman, 2016); its weights are the user's own."""
