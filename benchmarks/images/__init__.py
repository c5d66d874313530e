"""The speed of image understanding, beside named peers."""
