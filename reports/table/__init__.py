"""Tables of results: loading, ranking, significance, console, Markdown, CSV, LaTeX."""
