"""What we are measured against, set up the way its own documentation says."""
