"""External models: foreign repositories, each with a description, run by one engine."""
