"""The machine against people's annotations."""
