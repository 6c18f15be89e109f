"""The networks of StyleLipSync."""
