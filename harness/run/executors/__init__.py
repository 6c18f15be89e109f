"""Where the tasks of a run are done: in this process, in several, or on a cluster; the results are the same bytes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["factory"],
    submod_attrs={
        "base": ["ActiveTask", "Executor", "Setup", "TaskResult", "WorkerContext"],
        "pool": ["Event", "TaskLimits", "Worker"],
        "worker_loop": ["OVER_MEMORY", "Reply", "memory_excess", "open_setup", "run_one", "wait_for_excess"],
    },
)
