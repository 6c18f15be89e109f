"""Quality of single frames: SSIM, PSNR, LPIPS, their mouth variants, sharpness."""
