"""Faces: detect -> track -> crop."""
