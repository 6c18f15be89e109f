"""The paper's contributions as switches: which network a variant's name asks for, and which weights go with it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from bench_lipsync.harness.api.model import VariantError
from bench_lipsync.harness.errors import BenchError
from bench_lipsync.models.stylelipsync.checkpoint import Checkpoint, load_checkpoint
from bench_lipsync.models.stylelipsync.inference.inference import Precision
from bench_lipsync.models.stylelipsync.network.config import StyleLipSyncConfig

FULL = "pose-aware"
"""The mask of the full model."""
MASKS: tuple[str, ...] = get_args(StyleLipSyncConfig.model_fields["mask"].annotation)
FUSIONS = {"no-samf": "standard", "no-fusion": "sum"}
"""The configuration's `fusion` by switch."""
BFM = "bfm"
"""Masks are drawn from the Basel Face Model."""
SWITCHES = ("no-mals", *FUSIONS, *MASKS, BFM)
ARMS = {
    "no MaLS": "no-mals",
    "no SaMF": "no-samf",
    "box mask": "box",
    "no fusion": "no-fusion",
    "half-frame mask": "half-frame",
}
"""What can be taken away: the paper's three ablations, and two of ours."""
ARITHMETIC = ("fp32", "bf16", "compiled")
"""Words of a name that say how the same network is computed."""
RAW = "raw"
"""Word of a name: the network's whole picture, without pasting it into the frame."""
WEIGHTS = Path(__file__).with_name("weights")


class Variant(NamedTuple):
    """A variant's name taken apart."""

    switches: str
    """Without `RAW` and the words of `ARITHMETIC`; `""` where there are only these."""
    precision: Precision
    compiled: bool
    raw: bool


class NamedCheckpoint(NamedTuple):
    """The checkpoint that a model's name stands for, and the arithmetic and output that the name asks for."""

    checkpoint: Checkpoint
    precision: Precision
    compiled: bool
    raw: bool


def load_named_checkpoint(weights: Path | str | None, variant: str) -> NamedCheckpoint:
    """Load the checkpoint that `stylelipsync@VARIANT:WEIGHTS` names.

    Args:
        weights: A checkpoint; `None` is the demo weights of the variant.
        variant: Switches, words of `ARITHMETIC` and `RAW`, joined by `+`.

    Raises:
        BenchError: Without the demo weights, and for files that are no checkpoint.
        VariantError: For unknown switches, and for weights that were trained with other ones.

    """
    switches, precision, compiled, raw = parse_words(variant)
    path = Path(weights) if weights is not None else demo_weights(switches)
    if weights is None and not path.is_file():
        raise BenchError(
            f"the demo weights {path.name} of stylelipsync are not in this installation; train them with "
            f"`{train_command(switches.split('+') if switches else ())}` and copy the result to {path}"
        )
    checkpoint = load_checkpoint(path)
    if path.suffix != ".safetensors" and BFM in switches.split("+"):
        # The published layout does not say what its masks were drawn from, so that the name may.
        checkpoint.net.config = checkpoint.net.config.model_copy(update={"mesh": "bfm"})
    if switches:
        check_variant(checkpoint.net.config, switches, path.name)
    return NamedCheckpoint(checkpoint, precision, compiled, raw)


def parse_words(variant: str) -> Variant:
    """`bf16+no-mals` asks for the network without MaLS, computed in bfloat16."""
    words = [word for word in variant.split("+") if word]
    switches = "+".join(word for word in words if word not in (*ARITHMETIC, RAW))
    return Variant(switches, "bf16" if "bf16" in words else "fp32", "compiled" in words, RAW in words)


def parse_variant(variant: str) -> dict[str, object]:
    """`no-mals+box` as fields of `StyleLipSyncConfig`, those of the full model where nothing is said.

    Only the mesh is left out where nothing is said of it.

    Raises `VariantError` for a switch that does not exist, and for two masks or two fusions at once.
    """
    words = [word for word in variant.split("+") if word]
    unknown = [word for word in words if word not in SWITCHES]
    if unknown:
        raise VariantError(
            f"stylelipsync has no switch {', '.join(unknown)}; known: {', '.join((*SWITCHES, *ARITHMETIC, RAW))}"
        )
    masks = [word for word in words if word in MASKS]
    fusions = [word for word in words if word in FUSIONS]
    for kind, chosen in (("mask", masks), ("fusion", fusions)):
        if len(chosen) > 1:
            raise VariantError(f"stylelipsync has one {kind} at a time, not {' and '.join(chosen)}")
    fusion = FUSIONS[fusions[0]] if fusions else "samf"
    mesh = {"mesh": "bfm"} if BFM in words else {}
    return {"mals": "no-mals" not in words, "fusion": fusion, "mask": masks[0] if masks else FULL, **mesh}


def switches_of(config: StyleLipSyncConfig) -> tuple[str, ...]:
    """The switches that make `config`, none for the full model."""
    fusions = [word for word, fusion in FUSIONS.items() if fusion == config.fusion]
    masks = [config.mask] if config.mask != FULL else []
    return (*(() if config.mals else ("no-mals",)), *fusions, *masks, *((BFM,) if config.mesh == "bfm" else ()))


def demo_weights(variant: str) -> Path:
    """Where the demo weights of a variant lie when they are installed: `demo.safetensors`, `demo-no-mals.safetensors`.

    The path does not depend on the order of the switches, and is made of known words only.
    """
    words = switches_of(StyleLipSyncConfig().model_copy(update=parse_variant(variant)))
    return WEIGHTS / ("-".join(("demo", *words)) + ".safetensors")


def check_variant(config: StyleLipSyncConfig, variant: str, weights: str) -> None:
    """Raise `VariantError` unless `weights` were trained with exactly the switches of `variant`.

    No switch is thrown on weights that were trained without it: what is missing would have to be learned, and a mask
    that the network never saw says nothing about that mask.
    """
    wanted = parse_variant(variant)
    if all(getattr(config, key) == value for key, value in wanted.items()):
        return
    words = switches_of(config)
    requested = switches_of(StyleLipSyncConfig().model_copy(update=wanted))
    raise VariantError(
        f"{weights} was trained {_phrase(words)}, the run asks for stylelipsync {_phrase(requested)}; "
        f"weights for that are trained by: {train_command(requested)}"
    )


def describe(config: StyleLipSyncConfig) -> str:
    """` without MaLS`, ` with the box mask`, for cards; empty for the full model."""
    fused = {"standard": ["SaMF's modulation"], "sum": ["SaMF and its gate"]}.get(config.fusion, [])
    off = [*([] if config.mals else ["MaLS"]), *fused]
    masked = [f"with the {config.mask} mask"] if config.mask != FULL else []
    if config.mesh == "bfm":
        masked.append("with masks from the Basel Face Model")
    parts = [*([f"without {' and '.join(off)}"] if off else []), *masked]
    return (" " + ", ".join(parts)) if parts else ""


def train_command(switches: Sequence[str]) -> str:
    """The command that trains a variant on the demo set."""
    options = {word: f"--mask {word}" for word in MASKS} | {word: f"--fusion {FUSIONS[word]}" for word in FUSIONS}
    options[BFM] = "--mesh bfm"
    flags = " ".join(options.get(word, f"--{word}") for word in switches)
    return " ".join(f"bench train stylelipsync --dataset demo --split train {flags} --out DIR".split())


def _phrase(switches: Sequence[str]) -> str:
    return f"as {'+'.join(switches)}" if switches else "as the full model"


ABLATIONS = {label: switch for label, switch in ARMS.items() if demo_weights(switch).is_file()}
"""What `bench ablate` takes away by itself: the arms that have demo weights."""
