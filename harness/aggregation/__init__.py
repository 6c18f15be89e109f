"""From clip results to the rows of a table: means, pooled set metrics, intervals, tests between models."""
