"""Tables of results: loading, ranking, significance, console, Markdown, CSV, LaTeX."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["remarks"],
    submod_attrs={
        "console": ["print_result"],
        "format": ["ARROWS", "decimals_for", "format_change", "format_interval", "format_value"],
        "grid": ["make_grid"],
        "latex": ["escape", "latex_head", "latex_line", "latex_number"],
        "loading": ["Run", "load_runs", "protocol"],
        "model": ["Cell", "Column", "Grid", "Row"],
        "options": ["TableOptions", "parse_digits"],
        "render": ["render_table"],
    },
)
