"""``segments.emotionml``: W3C EmotionML 1.0, an ``emotion`` for each segment, on a vocabulary of our labels."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from avcer.analysis import Analysis
from avcer.files import atomic
from avcer.output.tiers import Interval, Tier, Tiers

NAMESPACE: Final = "http://www.w3.org/2009/10/emotionml"
_VOCABULARY: Final = "avcer-labels"


def write_emotionml(analysis: Analysis, folder: Path, tiers: Tiers) -> list[Path]:
    """Writes the document. ``confidence`` is the label's probability; the span is a media fragment of the clip; a name
    is a token, so that 'Happily Surprised' is ``Happily_Surprised``.

    Raises:
        OutputError: the file cannot be written.
    """
    root = Element("emotionml", {"xmlns": NAMESPACE, "version": "1.0", "category-set": f"#{_VOCABULARY}"})
    vocabulary = SubElement(root, "vocabulary", {"type": "category", "id": _VOCABULARY})
    for name in dict.fromkeys(map(_token, tiers.labels)):
        SubElement(vocabulary, "item", {"name": name})
    for tier in tiers.tiers:
        root.extend(_emotion(analysis, tier, one) for one in tier.intervals)
    path = folder / "segments.emotionml"
    ElementTree.indent(root, "  ")
    with atomic(path) as part:
        ElementTree.ElementTree(root).write(part, encoding="UTF-8", xml_declaration=True)
    return [path]


def _emotion(analysis: Analysis, tier: Tier, one: Interval) -> Element:
    through = "voice" if tier.face is None else "face voice" if analysis.clip.has_audio else "face"
    emotion = Element("emotion", {"expressed-through": through})
    SubElement(emotion, "info").append(_said_by(tier, one))
    SubElement(emotion, "category", {"name": _token(one.label), "confidence": f"{min(one.probability, 1.0):.4f}"})
    span = f"t={one.start_ms / 1000:.3f},{one.end_ms / 1000:.3f}"
    SubElement(emotion, "reference", {"uri": f"{quote(analysis.clip.path.name)}#{span}", "role": "expressedBy"})
    return emotion


def _said_by(tier: Tier, one: Interval) -> Element:
    """Whose expression it is and who says so, in a namespace of our own, as the standard asks."""
    by = "person" if one.by_person else "avcer"
    return Element("a:segment", {"xmlns:a": "urn:avcer", "face": tier.name, "by": by})


def _token(label: str) -> str:
    """A name as XML allows it: letters, digits, points, hyphens and underscores."""
    return re.sub(r"[^\w.\-]+", "_", label) or "_"
