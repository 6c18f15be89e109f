"""Variants by name: which weights they mean, and that weights of another variant are refused with a way out."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from bench_lipsync.harness.api.model import VariantError
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylelipsync import variants
from bench_lipsync.models.stylelipsync.checkpoint import Checkpoint, CheckpointInfo, save_checkpoint
from bench_lipsync.models.stylelipsync.model import StyleLipSync
from bench_lipsync.models.stylelipsync.network.generator import StyleLipSyncNet


@pytest.fixture
def no_mals(tiny_config, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "mine.safetensors"
    save_checkpoint(path, StyleLipSyncNet(tiny_config.model_copy(update={"mals": False})), CheckpointInfo())
    return path


def test_names_of_demo_weights() -> None:
    assert variants.demo_weights("no-mals").name == "demo-no-mals.safetensors"
    assert variants.demo_weights("box+no-mals").name == "demo-no-mals-box.safetensors"
    assert variants.demo_weights("half-frame+no-fusion").name == "demo-no-fusion-half-frame.safetensors"
    assert variants.demo_weights("pose-aware").name == "demo.safetensors"


@pytest.mark.parametrize(
    ("variant", "said"),
    [("no-sanf", "no switch no-sanf"), ("box+pose-aware", "one mask"), ("no-samf+no-fusion", "one fusion")],
)
def test_wrong_switches(variant: str, said: str) -> None:
    with pytest.raises(VariantError, match=said):
        variants.parse_variant(variant)


def test_weights_of_the_variant_are_taken_and_told(no_mals: Path) -> None:
    for model in (StyleLipSync(no_mals, "no-mals"), StyleLipSync(no_mals)):
        assert model.card.description.endswith("without MaLS")


def test_weights_of_another_variant_are_refused(no_mals: Path) -> None:
    with pytest.raises(
        VariantError, match=r"mine.safetensors was trained as no-mals, .* as no-samf.*--fusion standard --out"
    ):
        StyleLipSync(no_mals, "no-samf")
    with pytest.raises(VariantError, match="as the full model; weights for that are trained by: bench train"):
        StyleLipSync(no_mals, "pose-aware")


def test_missing_demo_weights_of_a_variant(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(variants, "WEIGHTS", tmp_path)
    with pytest.raises(BenchError, match=r"demo-no-samf.safetensors.*bench train stylelipsync.*--fusion standard"):
        StyleLipSync(variant="no-samf")


def test_words_of_arithmetic_and_output_are_taken_out_of_the_variant() -> None:
    assert variants.parse_words("bf16+no-mals") == ("no-mals", "bf16", False, False)
    assert variants.parse_words("compiled") == ("", "fp32", True, False)
    assert variants.parse_words("no-mals+raw") == ("no-mals", "fp32", False, True)
    assert variants.parse_words("") == ("", "fp32", False, False)


def test_the_raw_output_of_a_variant_has_a_card_and_a_fingerprint_of_its_own(no_mals: Path) -> None:
    plain, raw = StyleLipSync(no_mals, "no-mals"), StyleLipSync(no_mals, "no-mals+raw")
    assert raw.card.description == plain.card.description + ", raw output that is not pasted into the frame"
    assert raw.card.weights == plain.card.weights
    assert raw.fingerprint() != plain.fingerprint()
    assert StyleLipSync(no_mals, "raw").fingerprint() == raw.fingerprint()
    with pytest.raises(VariantError, match=r"known: .*raw"):
        StyleLipSync(no_mals, "rare")


def test_a_model_in_bfloat16_says_so_and_has_frames_of_its_own() -> None:
    plain, half = StyleLipSync(), StyleLipSync(variant="bf16")
    assert half.card.description == plain.card.description + ", in bfloat16"
    assert half.card.weights == plain.card.weights
    assert half.fingerprint() != plain.fingerprint()


@pytest.mark.parametrize(
    ("name", "fusion", "mask"), [("no-fusion", "sum", "pose-aware"), ("half-frame", "samf", "half-frame")]
)
def test_packaged_weights_are_named_as_what_they_were_trained_as(name: str, fusion: str, mask: str) -> None:
    """Their files are older than these words."""
    config = variants.load_named_checkpoint(None, name).checkpoint.net.config
    assert (config.fusion, config.mask) == (fusion, mask)
    assert variants.switches_of(config) == (name,)


def test_ablations_are_the_arms_that_have_weights() -> None:
    assert variants.ABLATIONS == {"no MaLS": "no-mals", "no fusion": "no-fusion", "half-frame mask": "half-frame"}
    for arm, flag in (("no-samf", "--fusion standard"), ("box", "--mask box")):
        with pytest.raises(BenchError, match=f"train them with `bench train .* {flag} --out"):
            StyleLipSync(variant=arm)


def test_the_mesh_of_the_masks_by_name(tiny_config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our files say which mesh they were trained with; the published layout does not, and takes the name's."""
    ours = tmp_path / "ours.safetensors"
    save_checkpoint(ours, StyleLipSyncNet(tiny_config.model_copy(update={"mesh": "bfm"})), CheckpointInfo())
    loaded = variants.load_named_checkpoint(ours, "bfm").checkpoint
    assert loaded.net.config.mesh == "bfm" and variants.switches_of(loaded.net.config) == ("bfm",)
    assert variants.load_named_checkpoint(ours, "").checkpoint.net.config == loaded.net.config
    assert variants.describe(loaded.net.config) == " with masks from the Basel Face Model"
    other = tmp_path / "other.safetensors"
    save_checkpoint(other, StyleLipSyncNet(tiny_config), CheckpointInfo())
    with pytest.raises(
        VariantError, match=r"as the full model, the run asks for stylelipsync as bfm; .* --mesh bfm --out"
    ):
        variants.load_named_checkpoint(other, "bfm")

    def published(path: Path) -> Checkpoint:
        return Checkpoint(StyleLipSyncNet(tiny_config), CheckpointInfo(name=path.stem), "sha")

    monkeypatch.setattr(variants, "load_checkpoint", published)
    found = {
        name: variants.load_named_checkpoint(Path("theirs.pth"), name).checkpoint.net.config.mesh
        for name in ("", "bfm", "bf16+bfm")
    }
    assert found == {"": "mediapipe", "bfm": "bfm", "bf16+bfm": "bfm"}
    monkeypatch.setenv("BENCH_BFM", str(tmp_path))
    with pytest.raises(BenchError, match=r"BFM_model_front\.mat"):
        StyleLipSync(Path("theirs.pth"), "bfm")
