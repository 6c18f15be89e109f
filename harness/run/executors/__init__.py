"""Where the tasks of a run are done: in this process, in several, or on a cluster; the results are the same bytes."""
