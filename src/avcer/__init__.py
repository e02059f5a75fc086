"""Video with people in it becomes a timeline of basic and compound emotions, from face and voice, zero-shot."""

__version__ = "0.1.0"
