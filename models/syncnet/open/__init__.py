"""A small SyncNet trained here, with weights in the package."""
