"""The data model of a finished run: `run.json`, the table of clips, curves over frames."""
