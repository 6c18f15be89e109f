"""Plug-ins by name, and how names of models and metrics are read."""
