"""Templates, style and script of the page, as package data."""
