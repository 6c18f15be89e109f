"""Devices, threads and batch sizes."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "batching": [
            "AUTO",
            "Batches",
            "NotEnoughMemoryError",
            "free_memory",
            "model_batch_size",
            "out_of_memory",
            "parse_batch_size",
        ],
        "device": ["device_of_worker", "pick_device"],
        "process_state": ["run_settings", "set_library_defaults"],
        "resources": ["usable_cores", "usable_memory"],
        "threads": ["settle_threads", "thread_count"],
    },
)
