"""Side-by-side runs against named peers, one command each."""
