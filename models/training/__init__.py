"""What all training commands share."""
