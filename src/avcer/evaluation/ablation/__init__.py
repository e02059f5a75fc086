"""Ablations: one choice changed at a time, on clips or on a corpus."""
