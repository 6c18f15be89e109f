"""Its place lets the tests below import `make_runs`."""
