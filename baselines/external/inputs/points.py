"""The usual 68 landmarks, and groups of them, among the 478 of MediaPipe's face mesh.

The 68 are those of the iBUG annotation (jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, lips 48-67; left and right as
seen in the picture). The mesh has no point exactly at each of them: these are its nearest by name and place.
"""

from __future__ import annotations

JAW = (162, 234, 93, 58, 172, 136, 149, 148, 152, 377, 378, 365, 397, 288, 323, 454, 389)
BROWS = (71, 63, 105, 66, 107, 336, 296, 334, 293, 301)
NOSE = (168, 197, 5, 4, 75, 97, 2, 326, 305)
EYE_LEFT = (33, 160, 158, 133, 153, 144)
EYE_RIGHT = (362, 385, 387, 263, 373, 380)
MOUTH = (61, 39, 37, 0, 267, 269, 291, 405, 314, 17, 84, 181, 78, 82, 13, 312, 308, 317, 14, 87)

IBUG68 = (*JAW, *BROWS, *NOSE, *EYE_LEFT, *EYE_RIGHT, *MOUTH)
"""Index in the mesh of each of the 68 points, in their order."""
