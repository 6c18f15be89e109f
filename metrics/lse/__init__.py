"""Lip-sync error by SyncNet: LSE-C, LSE-D and the audio-video offset."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"pipeline": ["PipelineScorer"], "scorers": ["OpenSyncScorer", "SyncNetScorer", "WholeFrameScorer"]},
)
