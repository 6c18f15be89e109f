"""Wav2Lip (Prajwal et al., ACM MM 2020) from its layer tables: generator, sync expert, mel front end, boxes, paste."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "boxes": ["detector_boxes", "padded_boxes", "smooth_boxes"],
        "checkpoint": ["save_wav2lip"],
        "crops": ["PADS", "cut_faces", "network_input", "to_bgr", "to_rgb"],
        "mel": ["mel_spectrogram", "mel_windows"],
        "model": ["DEMO_WEIGHTS", "Wav2Lip"],
        "network": ["FACE_SIZE", "MEL_COLUMNS", "N_MELS", "Wav2LipNet"],
    },
)
