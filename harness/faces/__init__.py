"""Faces through MediaPipe's FaceLandmarker: landmarks, pose and expression, one speaker tracked, one crop rule.

Import the modules by name: `track` (the data), `landmarker` (one frame), `tracker` (a clip), `crop` (the crop rule).
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "crop": ["CROP_RULE", "CropBox", "crop_box", "cut"],
        "head_pose": ["procrustes"],
        "landmark_indices": ["EYE_CORNERS", "FACE_SIDES", "LIPS", "face_extents"],
        "landmarker": ["Face", "Landmarker"],
        "region": ["Region", "bounding"],
        "scene_cuts": ["THRESHOLD", "SceneCuts"],
        "track": ["FaceTrack", "load_pose", "pitch_degrees", "yaw_degrees"],
        "track_builder": ["canonical_track"],
        "tracker": ["FaceTracker", "MAX_GAP", "MAX_MISSING_SHARE"],
    },
)
