"""Faces through MediaPipe's FaceLandmarker: landmarks, pose and expression, one speaker tracked, one crop rule.

Import the modules by name: `track` (the data), `landmarker` (one frame), `tracker` (a clip), `crop` (the crop rule).
"""
