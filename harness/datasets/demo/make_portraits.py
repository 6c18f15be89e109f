"""Makes the stills of the demo dataset: faces of people who do not exist, drawn by MobileStyleGAN from seeds.

    python -m harness.datasets.demo.make_portraits screen --seeds 0 1600 --out DIR   # candidates to look at
    python -m harness.datasets.demo.make_portraits write                             # the stills of `PICKS`

Needs the extra `portraits` (OpenVINO) and the assets `face_portraits` and `face_landmarker`. Nothing here runs when the
dataset is used: stills and landmarks are committed. Screening rejects what can be measured (head turned, lips apart,
eyes shut, strong smile); glasses, hats, hands, children and artefacts were sorted out by eye, which is what `PICKS` holds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SIZE = 384
"""Side of a still in pixels."""
TRUNCATION = 0.75
"""How far from the mean face styles may lie: 1 is the whole variety, 0 the mean face."""
QUALITY = 90
PICKS: dict[str, tuple[int, ...]] = {
    "test": (49, 201, 223, 515, 546, 822, 1237, 348),
    "val": (265, 834, 962, 1458),
    # fmt: off
    "train": (
        20,
        24,
        54,
        81,
        130,
        149,
        167,
        197,
        242,
        253,
        255,
        267,
        285,
        297,
        333,
        339,
        362,
        457,
        462,
        480,
        488,
        526,
        550,
        594,
        608,
        644,
        662,
        691,
        699,
        720,
        745,
        768,
        774,
        809,
        847,
        851,
        992,
        1095,
        1096,
        1171,
        1336,
        1379,
        1420,
        1427,
        1434,
        1437,
        1463,
        1474,
    ),
    # fmt: on
}
"""Seeds of the committed stills."""


class Face(NamedTuple):
    """What screening measures on a still."""

    landmarks: NDArray[np.float32]
    """(478, 3) pixels."""
    yaw: float
    pitch: float
    """Degrees."""
    gap: float
    """Distance of the inner lips, as a part of the face's height."""
    smile: float
    jaw: float
    blink: float
    """MediaPipe's coefficients, 0..1."""

    def fits(self) -> bool:
        """Frontal, lips closed, not smiling broadly, eyes open."""
        frontal = abs(self.yaw) < 9 and abs(self.pitch) < 14
        return frontal and self.gap < 0.012 and self.jaw < 0.03 and self.smile < 0.55 and self.blink < 0.5


def painter() -> Callable[[int], NDArray[np.uint8]]:
    """A function from a seed to a still (SIZE, SIZE, 3) uint8 RGB."""
    import cv2
    import numpy as np
    import openvino

    from harness.assets import asset_path

    folder = asset_path("face_portraits")
    core = openvino.Core()
    mapping = core.read_model(folder / "mnet.xml", folder / "mnet.bin")
    synthesis = core.compile_model(core.read_model(folder / "snet.xml", folder / "snet.bin"), "CPU")

    def styles(noise: NDArray[np.float32]) -> NDArray[np.float32]:
        mapping.reshape({mapping.inputs[0].any_name: list(noise.shape)})
        return np.asarray(core.compile_model(mapping, "CPU")(noise)[0], dtype=np.float32)

    def noise(seed: int, count: int) -> NDArray[np.float32]:
        return np.random.Generator(np.random.PCG64(seed)).standard_normal((count, 512)).astype(np.float32)

    mean = styles(noise(0, 4096)).mean(axis=0, keepdims=True)
    mapping.reshape({mapping.inputs[0].any_name: [1, 512]})
    one_style = core.compile_model(mapping, "CPU")

    def paint(seed: int) -> NDArray[np.uint8]:
        style = mean + TRUNCATION * (one_style(noise(seed, 1))[0] - mean)
        image = np.clip(synthesis(style)[0][0].transpose(1, 2, 0) * 127.5 + 128, 0, 255).astype(np.uint8)
        return np.asarray(cv2.resize(image, (SIZE, SIZE), interpolation=cv2.INTER_AREA), dtype=np.uint8)

    return paint


def measurer() -> Callable[[NDArray[np.uint8]], Face | None]:
    """A function from a still to what MediaPipe sees in it; `None` where there is not exactly one face."""
    import mediapipe
    import numpy as np
    from mediapipe.tasks.python import BaseOptions, vision

    from harness.assets import asset_path

    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(asset_path("face_landmarker"))),
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
        num_faces=2,
    )
    landmarker = vision.FaceLandmarker.create_from_options(options)

    def measure(still: NDArray[np.uint8]) -> Face | None:
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(still))
        found = landmarker.detect(image)
        if len(found.face_landmarks) != 1:
            return None
        points = np.array([[p.x, p.y, p.z] for p in found.face_landmarks[0]], dtype=np.float32) * still.shape[1]
        pose = found.facial_transformation_matrixes[0]
        shape: dict[str, Any] = {c.category_name: c.score for c in found.face_blendshapes[0]}
        height = float(np.linalg.norm(points[10] - points[152]))
        return Face(
            landmarks=points,
            yaw=float(np.degrees(np.arctan2(-pose[2, 0], np.hypot(pose[0, 0], pose[1, 0])))),
            pitch=float(np.degrees(np.arctan2(pose[2, 1], pose[2, 2]))),
            gap=float(points[14, 1] - points[13, 1]) / height,
            smile=(shape["mouthSmileLeft"] + shape["mouthSmileRight"]) / 2,
            jaw=shape["jawOpen"],
            blink=max(shape["eyeBlinkLeft"], shape["eyeBlinkRight"]),
        )

    return measure


def candidates(first: int, stop: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Seeds in `first:stop` whose still passes screening, with the still."""
    paint, measure = painter(), measurer()
    for seed in range(first, stop):
        still = paint(seed)
        face = measure(still)
        if face is not None and face.fits():
            yield seed, still


def write(folder: Path) -> None:
    """Write the stills of `PICKS` as `SPLIT_NN.jpg` and their landmarks as `landmarks.npz` (int16, 1/32 pixel)."""
    import cv2
    import numpy as np

    paint, measure = painter(), measurer()
    landmarks: dict[str, NDArray[np.int16]] = {}
    for split, seeds in PICKS.items():
        for number, seed in enumerate(seeds):
            name = f"{split}_{number:02d}"
            path = folder / f"{name}.jpg"
            still = paint(seed)
            cv2.imwrite(str(path), still[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
            drawn, face = measure(still), measure(np.asarray(cv2.imread(str(path))[:, :, ::-1], dtype=np.uint8))
            if drawn is None or not drawn.fits() or face is None:
                raise SystemExit(f"{name}: the still of seed {seed} does not pass screening: {drawn}")
            landmarks[name] = np.rint(face.landmarks * 32).astype(np.int16)
    names = sorted(landmarks)
    np.savez_compressed(folder / "landmarks.npz", names=names, points=np.stack([landmarks[name] for name in names]))


def main() -> None:
    """Command line; see the module's text."""
    parser = argparse.ArgumentParser(description="make the stills of the demo dataset")
    commands = parser.add_subparsers(dest="command", required=True)
    screen = commands.add_parser("screen", help="draw seeds and keep the stills that pass screening")
    screen.add_argument("--seeds", type=int, nargs=2, default=(0, 1600), metavar=("FIRST", "STOP"))
    screen.add_argument("--out", type=Path, required=True)
    commands.add_parser("write", help="write the stills and landmarks of PICKS into the package")
    arguments = parser.parse_args()
    if arguments.command == "write":
        write(Path(__file__).with_name("data"))
        return
    import cv2

    arguments.out.mkdir(parents=True, exist_ok=True)
    for seed, still in candidates(*arguments.seeds):
        cv2.imwrite(str(arguments.out / f"{seed:05d}.png"), still[:, :, ::-1])


if __name__ == "__main__":
    main()
