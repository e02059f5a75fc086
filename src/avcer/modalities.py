"""The table of modalities: what speaks of emotions, on whose behalf, and how it is shown.

Records, tables, documents, pictures and fusion files loop over such rows.

A new modality is a row here, a model with a role of its own (``models.card``), what runs it on a clip (as ``hearing``
does the audio model) and hands what it says to ``session`` and ``settled``, and fusion weights with a row for it; those
that are shipped are of the source work's three. To score and to fit it, labelled tables need its columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal


@dataclass(frozen=True)
class Modality:
    """One row of the table.

    ``name`` is the stem of its files and its key in fusion files, in ``said`` and in ``analysis.json``; ``curve`` is
    the heading of its decisions; ``speaks_for`` says whether it has a row for each frame of a face or of the clip;
    ``title`` and ``colour`` are for pictures.
    """

    name: str
    curve: str
    speaks_for: Literal["face", "clip"]
    title: str
    colour: str


STATIC: Final = Modality("static", "VS", "face", "face, static", "#0072B2")
DYNAMIC: Final = Modality("dynamic", "VD", "face", "face, dynamic", "#E69F00")
AUDIO: Final = Modality("audio", "A", "clip", "voice", "#009E73")
"""The colours are from Okabe and Ito's palette, which people with any colour vision can tell
apart.
"""

SOURCE_WORK: Final = (STATIC, DYNAMIC, AUDIO)
"""Those that weights, documents and fusion files speak of where they do not say of which."""

MODALITIES: Final = (*SOURCE_WORK,)
"""All, in the order of the rows of every weight matrix."""

NAMES: Final = tuple(modality.name for modality in MODALITIES)
"""Their names, in the same order."""

FUSED: Final = "AV"
"""The heading of the decisions from all modalities together."""

CURVES: Final = (FUSED, *(modality.curve for modality in MODALITIES))
"""The headings of all decisions: the fused one first."""
