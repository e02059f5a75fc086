"""Labelled tables: faces, speech, frames, scenes; read from Parquet or CSV."""
