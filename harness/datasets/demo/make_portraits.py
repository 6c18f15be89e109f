"""Makes the stills of the demo dataset: faces of people who do not exist, drawn by MobileStyleGAN from seeds.

    python -m bench_lipsync.harness.datasets.demo.make_portraits screen --seeds 0 1600 --out DIR  # to look at
    python -m bench_lipsync.harness.datasets.demo.make_portraits write  # the stills of `PICKS`

Needs the extra `portraits` (OpenVINO) and the assets `face_portraits` and `face_landmarker`. Nothing here runs when
the dataset is used: stills and landmarks are committed. Screening rejects what can be measured (head turned, lips
apart, eyes shut, broad smile); glasses, hats, hands, children and artefacts were sorted out by eye: hence `PICKS`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from bench_lipsync.harness.faces.landmarker import Face

SIZE = 384
"""Side of a still in pixels."""
TRUNCATION = 0.75
"""How far from the mean face styles may lie: 1 is the whole variety, 0 the mean face."""
QUALITY = 90
_TRAIN = """
    20 24 54 81 130 149 167 197 242 253 255 267 285 297 333 339 362 457 462 480 488 526 550 594 608 644 662 691
    699 720 745 768 774 809 847 851 992 1095 1096 1171 1336 1379 1420 1427 1434 1437 1463 1474
"""
PICKS: dict[str, tuple[int, ...]] = {
    "test": (49, 201, 223, 515, 546, 822, 1237, 348),
    "val": (265, 834, 962, 1458),
    "train": tuple(int(seed) for seed in _TRAIN.split()),
}
"""Seeds of the committed stills."""


# Places of MediaPipe's expression coefficients.
_BLINK, _JAW_OPEN, _SMILE = (9, 10), 25, (44, 45)


def fits(face: Face) -> bool:
    """Whether a face is frontal, with closed lips and open eyes, and does not smile broadly."""
    import numpy as np

    pose, points, shapes = face.pose, face.landmarks, face.blendshapes
    yaw = np.degrees(np.arctan2(-pose[2, 0], np.hypot(pose[0, 0], pose[1, 0])))
    pitch = np.degrees(np.arctan2(pose[2, 1], pose[2, 2]))
    gap = (points[14, 1] - points[13, 1]) / np.linalg.norm(points[10] - points[152])
    frontal = abs(yaw) < 9 and abs(pitch) < 14
    closed = gap < 0.012 and shapes[_JAW_OPEN] < 0.03 and shapes[list(_SMILE)].mean() < 0.55
    return bool(frontal and closed and shapes[list(_BLINK)].max() < 0.5)


def painter() -> Callable[[int], NDArray[np.uint8]]:
    """A function from a seed to a still (SIZE, SIZE, 3) uint8 RGB."""
    import cv2
    import numpy as np
    import openvino

    from bench_lipsync.harness.assets.lookup import asset_path

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


def candidates(first: int, stop: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Seeds in `first:stop` whose still shows one face that `fits`, with the still."""
    from bench_lipsync.harness.faces.landmarker import Landmarker

    paint = painter()
    with Landmarker() as landmarker:
        for seed in range(first, stop):
            still = paint(seed)
            faces = landmarker.faces(still)
            if len(faces) == 1 and fits(faces[0]):
                yield seed, still


def _read(path: Path) -> NDArray[np.uint8]:
    import cv2
    import numpy as np

    return np.asarray(cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR_RGB), dtype=np.uint8)


def write(folder: Path) -> None:
    """Write the stills of `PICKS` as `SPLIT_NN.jpg` and their landmarks as `landmarks.npz` (int16, 1/32 pixel)."""
    import cv2
    import numpy as np

    from bench_lipsync.harness.faces.landmarker import Landmarker

    paint = painter()
    landmarks: dict[str, NDArray[np.int16]] = {}
    with Landmarker() as landmarker:
        for split, seeds in PICKS.items():
            for number, seed in enumerate(seeds):
                name, still = f"{split}_{number:02d}", paint(seed)
                if not all(fits(face) for face in landmarker.faces(still)):
                    raise SystemExit(f"{name}: the still of seed {seed} does not pass screening")
                path = folder / f"{name}.jpg"
                cv2.imwrite(str(path), still[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
                (face,) = landmarker.faces(_read(path))
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
    written = commands.add_parser("write", help="write the stills and landmarks of PICKS")
    written.add_argument("--out", type=Path, default=Path(__file__).with_name("data"))
    arguments = parser.parse_args()
    if arguments.command == "write":
        arguments.out.mkdir(parents=True, exist_ok=True)
        write(arguments.out)
        return
    import cv2

    arguments.out.mkdir(parents=True, exist_ok=True)
    for seed, still in candidates(*arguments.seeds):
        cv2.imwrite(str(arguments.out / f"{seed:05d}.png"), still[:, :, ::-1])


if __name__ == "__main__":
    main()
