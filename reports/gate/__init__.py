"""The outcome of the gate as text, Markdown and JUnit."""
