"""What ``benchmarks/fuzz.py`` is made of: sources, mutations, readers."""
