"""A benchmark on whichever public corpora somebody has, with nothing to decide by hand."""
