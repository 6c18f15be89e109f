"""S3FD (Zhang et al., 2017), the face detector of the published SyncNet pipeline; its weights are the user's own."""
