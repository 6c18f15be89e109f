"""StyleGAN2 synthesis (Karras et al., CVPR 2020) in plain PyTorch: the frozen decoder that StyleLipSync builds on."""
