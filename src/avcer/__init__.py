"""Video with people in it becomes a timeline of basic and compound emotions, from face and voice, zero-shot.

    from avcer import Analyzer

    analysis = Analyzer(models="mini").analyze("clip.mp4")
    for segment in analysis.segments:
        print(segment.start_s, segment.end_s, segment.label, segment.probability)
    analysis.save("results/clip")

The names below are loaded when they are first used, so that ``import avcer`` costs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from avcer.quiet import quieten

if TYPE_CHECKING:
    from avcer.analysis import Analysis as Analysis
    from avcer.analysis import FaceAnalysis as FaceAnalysis
    from avcer.errors import AvcerError as AvcerError
    from avcer.models.card import ModelCard as ModelCard
    from avcer.options import Options as Options
    from avcer.output.many import load_many as load_many
    from avcer.pipeline import Analyzer as Analyzer
    from avcer.provenance import Provenance as Provenance
    from avcer.types import Clip as Clip
    from avcer.types import EmotionProbabilities as EmotionProbabilities
    from avcer.types import ExpressionTimeline as ExpressionTimeline
    from avcer.types import Face as Face
    from avcer.types import FaceTrack as FaceTrack
    from avcer.types import Segment as Segment

quieten()  # before any library is imported

__version__ = "0.1.0"

_HOMES = {
    "Analysis": "analysis",
    "Analyzer": "pipeline",
    "AvcerError": "errors",
    "Clip": "types",
    "EmotionProbabilities": "types",
    "ExpressionTimeline": "types",
    "Face": "types",
    "FaceAnalysis": "analysis",
    "FaceTrack": "types",
    "ModelCard": "models.card",
    "Options": "options",
    "Provenance": "provenance",
    "Segment": "types",
    "load_many": "output.many",
}

__all__ = [*_HOMES, "__version__"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
