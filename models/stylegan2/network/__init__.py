"""The networks of StyleGAN2."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "config": ["PriorConfig"],
        "discriminator": ["Discriminator"],
        "generator": ["Generator"],
        "layers": ["FullyConnected", "GAIN", "NoiseMode", "SLOPE", "StyledConv", "ToRGB", "leaky_relu"],
        "modulated_conv": ["EPSILON", "modulated_conv2d"],
        "resample": ["BINOMIAL", "binomial_filter", "upsample2x"],
        "synthesis": ["Synthesis", "SynthesisBlock"],
    },
)
