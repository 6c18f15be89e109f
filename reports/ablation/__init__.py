"""The page and the tables of an ablation."""
