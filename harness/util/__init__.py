"""Files, paths, progress, threads and time spans; nothing here knows of clips or models."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["progress"],
    submod_attrs={
        "background": ["BackgroundWriter", "Prefetch"],
        "disk": [
            "failed_path",
            "machine_error",
            "no_room",
            "reason_and_way_out",
            "require_room",
            "room_needed",
            "storage_error",
            "written_by_ffmpeg",
        ],
        "files": [
            "appearing",
            "discard",
            "link_or_copy",
            "sha256_file",
            "sha256_json",
            "sweep_run_folder",
            "sweep_unfinished",
            "sync",
            "sync_tree",
            "write_text_atomically",
        ],
        "output_marker": ["MARKER", "Mark", "is_output", "mark_output", "marked_around", "read_mark", "tag_cache"],
        "owner_token": ["is_abandoned", "is_alive", "owned_name"],
        "paths": ["cache_dir", "give_libraries_a_folder", "user_path"],
        "sanitize": ["plain_name", "printable", "safe_id", "shown"],
        "spans": ["Event", "Key", "OTHER", "Record", "Total", "recording", "span", "timed"],
        "telemetry": ["block_usage_reports", "restore_user_proxy"],
        "text_files": ["read_text", "read_yaml"],
    },
)
