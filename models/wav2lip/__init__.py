"""Wav2Lip (Prajwal et al., ACM MM 2020) from its layer tables: generator, sync expert, mel front end, boxes, paste."""
