"""Batch: a corpus of clips, analysed by worker processes, with a record that survives whatever happens to them."""
