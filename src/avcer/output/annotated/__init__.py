"""The annotated video: the clip with boxes, labels, bars and a ribbon of labels drawn on it, and its own sound."""

from avcer.output.annotated.video import ANNOTATED, write_annotated

__all__ = ["ANNOTATED", "write_annotated"]
