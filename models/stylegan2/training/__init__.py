"""Training a StyleGAN2 prior."""
