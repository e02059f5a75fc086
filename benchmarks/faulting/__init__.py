"""Parts of ``benchmarks/faults.py``: commands that write, and what is left where they are disturbed."""
