"""Faces through MediaPipe's FaceLandmarker: landmarks, pose and expression, one person followed, one crop rule.

Import the modules by name: `track` (the data), `landmarker` (one picture), `follow` (a clip), `crop` (the crop rule).
"""
