"""Output: one writer a format."""
