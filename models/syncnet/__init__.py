"""SyncNet twice: the published network that LSE-C and LSE-D are defined with, and a small open one trained here."""
