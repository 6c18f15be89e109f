"""The watermark in every output of `bench generate`, and its detector. Scored frames never carry it."""
