"""The networks of StyleGAN2."""
