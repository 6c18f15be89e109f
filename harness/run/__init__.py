"""One run from its specification to its folder: plan, schedule, workers, record, results."""
