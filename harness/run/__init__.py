"""One run from its specification to its folder: plan, schedule, workers, record, results."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["progress_display"],
    submod_attrs={
        "finalize": ["PageWriter", "RunOutcome"],
        "folder": ["check_run_folder", "run_inputs"],
        "model_inputs": ["write_inputs"],
        "model_loading": ["load_models"],
        "pipeline": ["RunOptions", "execute"],
        "selection": ["Shard", "limited", "list_clips", "select", "select_clips"],
        "shards": ["execute_shard", "merge"],
        "spec": ["AdaptSpec", "RunSpec", "load_spec", "make_spec", "mode_name"],
    },
)
