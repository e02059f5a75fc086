"""Speaker normalisation without labels.

From each item, the mean over the same speaker's other items is subtracted, as ``avcer analyze --person`` does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from avcer.decision.person import LEAST_CLIPS, Person, Said, usual_in
from avcer.evaluation.tables.frames import FrameTable
from avcer.modalities import MODALITIES
from avcer.types import Double


def can_normalise(speakers: NDArray[np.str_]) -> bool:
    """Whether any of the ``speakers (N,)`` of N items has enough of them."""
    return bool(np.unique(speakers, return_counts=True)[1].max(initial=0) > LEAST_CLIPS)


def normalised(items: Sequence[Said], speakers: NDArray[np.str_]) -> Iterator[dict[str, Double]]:
    """What each modality says of each of N items, by ``speakers (N,)``, without the mean of the speaker's others; as it
    is where these are too few.
    """
    usual = [usual_in(said) for said in items]
    for place, said in enumerate(items):
        others = [usual[other] for other in np.flatnonzero(speakers == speakers[place]) if other != place]
        person = Person.of(others, {}) if _enough(others) else None
        yield {name: person.without(name, values) if person else values for name, values in said.items()}


def _enough(others: Sequence[Said]) -> bool:
    counts = Counter(name for one in others for name in one)
    return max(counts.values(), default=0) >= LEAST_CLIPS


def normalised_rows(values: Double, speakers: NDArray[np.str_]) -> Double:
    """``values (N, 7)`` of one modality, a row an item, normalised by their speakers."""
    said = [{"it": row[np.newaxis]} for row in values]
    return np.concatenate([one["it"] for one in normalised(said, speakers)])


def without_speakers(tables: Sequence[FrameTable], speakers: NDArray[np.str_]) -> list[FrameTable]:
    """Tables of the frames of clips, a clip each, normalised by their speakers."""
    clips = [said_in(one) for one in tables]
    return [with_said(table, said) for table, said in zip(tables, normalised(clips, speakers), strict=True)]


def said_in(table: FrameTable) -> dict[str, Double]:
    """What each modality says on the rows where it says anything."""
    return {one.name: table.values[table.valid[:, place], place] for place, one in enumerate(MODALITIES)}


def with_said(table: FrameTable, said: Said) -> FrameTable:
    """The table, with ``said`` in the place of what each modality says there."""
    values = table.values.copy()
    for place, one in enumerate(MODALITIES):
        values[table.valid[:, place], place] = said[one.name]
    return replace(table, values=values)
