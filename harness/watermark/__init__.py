"""The mark that every output of `bench generate` carries, and its detector; scored frames never pass through here."""
