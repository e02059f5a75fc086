"""Evaluation: metrics (pure functions), labelled tables, scores by stated conventions."""
