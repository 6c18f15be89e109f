"""The contracts between the engine and its plug-ins: clips, datasets, models, metrics."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "clip": ["AudioSource", "Clip", "DrivenClip", "FPS", "PreparedClip", "SAMPLES_PER_FRAME", "SAMPLE_RATE"],
        "dataset": ["ClipList", "ClipRequest", "Dataset", "KeepsFootage"],
        "metric": [
            "ClipAccumulator",
            "ClipScore",
            "CountedRows",
            "ManyFeatures",
            "MetricInfo",
            "PoolingScorer",
            "Scorer",
            "ScorerClass",
            "Tolerance",
        ],
        "model": [
            "AdaptRequest",
            "AdaptableModel",
            "AdaptedModel",
            "AnnotatingModel",
            "GenerateContext",
            "LipSyncModel",
            "MaskedModel",
            "ModelCard",
            "TruthModel",
            "VariantError",
        ],
        "seen_frames": ["SeenFrames", "frames_of", "refuse_seen"],
    },
)
