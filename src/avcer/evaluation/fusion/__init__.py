"""Fusion weights: the search of the method, and other ways to fit them."""
