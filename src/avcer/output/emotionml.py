"""``segments.emotionml``: W3C EmotionML 1.0, an ``emotion`` for each segment, on a vocabulary of our labels."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from avcer.analysis import Analysis
from avcer.files import atomic
from avcer.modalities import AUDIO
from avcer.output.corrections import read_corrections
from avcer.output.tiers import Interval, Tier, Tiers, players_ms
from avcer.types import Double

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
    heard = _heard_ms(analysis, folder)
    for tier in tiers.tiers:
        for one in tier.intervals:
            root.append(_emotion(analysis.clip.path, tier, one, _through(tier, one, heard)))
    path = folder / "segments.emotionml"
    ElementTree.indent(root, "  ")
    with atomic(path) as part:
        ElementTree.ElementTree(root).write(part, encoding="UTF-8", xml_declaration=True)
    return [path]


def _heard_ms(analysis: Analysis, folder: Path) -> Mapping[int, Double]:
    """By face, as a person may have split or merged them: when its sound counts, in rising milliseconds."""
    corrections = read_corrections(folder)
    found: dict[int, Double] = {}
    for face in analysis.faces:
        sound = face.said.get(AUDIO.name)
        if face.id is not None and sound is not None:
            times_s = sound.times_s[sound.valid]
            people, times_ms = corrections.whos(face.id, times_s), players_ms(analysis, times_s)
            for one in np.unique(people).astype(int).tolist():
                found[one] = np.union1d(found.get(one, np.zeros(0)), times_ms[people == one])
    return found


def _through(tier: Tier, one: Interval, heard_ms: Mapping[int, Double]) -> str:
    """What an expression is read from. The sound counts for whoever leads, and perhaps not all the time."""
    if tier.face is None:
        return "voice"
    first, after = np.searchsorted(heard_ms.get(tier.face, np.zeros(0)), (one.start_ms, one.end_ms))
    return "face voice" if first < after else "face"


def _emotion(clip: Path, tier: Tier, one: Interval, through: str) -> Element:
    emotion = Element("emotion", {"expressed-through": through})
    SubElement(emotion, "info").append(_said_by(tier, one))
    SubElement(emotion, "category", {"name": _token(one.label), "confidence": f"{min(one.probability, 1.0):.4f}"})
    span = f"t={one.start_ms / 1000:.3f},{one.end_ms / 1000:.3f}"
    SubElement(emotion, "reference", {"uri": f"{quote(os.fsencode(clip.name))}#{span}", "role": "expressedBy"})
    return emotion


def _said_by(tier: Tier, one: Interval) -> Element:
    """Whose expression it is and who says so, in a namespace of our own, as the standard asks."""
    by = "person" if one.by_person else "avcer"
    return Element("a:segment", {"xmlns:a": "urn:avcer", "face": tier.name, "by": by})


def _token(label: str) -> str:
    """A name as XML allows it: letters, digits, points, hyphens and underscores."""
    return re.sub(r"[^\w.\-]+", "_", label) or "_"
