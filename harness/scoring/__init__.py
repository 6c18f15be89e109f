"""Score the frames of one clip with all scorers in one pass."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "applicability": ["applicable", "inapplicable"],
        "one_pass": ["chunk_length"],
        "score": ["ClipResult", "FailureRecord", "score_clip"],
        "score_files": ["ArrayPlace", "find_features", "load_curves", "load_features", "map_features"],
        "scorers": ["LoadedScorer", "ScorerSet", "load_scorers", "require_metrics"],
    },
)
