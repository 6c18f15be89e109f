"""The data model of a finished run: `run.json`, the table of clips, curves over frames."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["provenance"],
    submod_attrs={
        "common_clips": ["Comparison", "Number", "RunNumbers", "compare", "coverage"],
        "clip_table": ["clip_columns", "clip_records", "clip_values", "list_failures", "note_lines", "write_clips"],
        "frame_curves": ["AUDIO_HIGH", "AUDIO_LOW", "CURVES_FILE", "YAW", "read_curves", "write_curves"],
        "model_run": ["ModelRun"],
        "output_guard": ["PAGE_FILE", "check_out_file", "check_out_folder"],
        "parquet": ["opened_table"],
        "schema": [
            "CLIPS_FILE",
            "CLIP_COLUMNS",
            "ClipFacts",
            "Failure",
            "MetricRow",
            "PairTest",
            "PeopleRecord",
            "Provenance",
            "RUN_FILE",
            "RunResult",
            "SpeedRecord",
            "read_result",
            "write_result",
        ],
    },
)
