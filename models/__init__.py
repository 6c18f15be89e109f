"""Networks and methods: StyleLipSync, StyleGAN2 parts, SyncNet."""
