"""Named, versioned evaluation tasks: data, protocol, metrics and published values of one table of a paper."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "catalogue": ["find_task", "task_names"],
        "draw": ["audio_of", "cut", "draw_clips", "driven_by"],
        "task": ["Draw", "Published", "StudyPlan", "Task"],
    },
)
