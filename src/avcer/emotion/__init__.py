"""Emotion models: static, dynamic, audio; each with its own pre- and post-processing. Arrays in, probabilities out."""
