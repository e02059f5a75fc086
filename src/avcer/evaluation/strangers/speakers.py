"""Speaker normalisation without labels.

From each item, the mean over the same speaker's other items is subtracted, as ``avcer analyze --person`` does. Where a
model has an output for speaker normalisation, item and mean are both taken from it.
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


def normalised(
    items: Sequence[Said], speakers: NDArray[np.str_], relative: Sequence[Said] | None = None
) -> Iterator[dict[str, Double]]:
    """What each modality says of each of N items, by ``speakers (N,)``, without the mean of the speaker's others; as it
    is where these are too few. ``relative``: what is said in its place where the mean is subtracted.
    """
    relative = items if relative is None else relative
    usual = [usual_in(said) for said in relative]
    for place, said in enumerate(items):
        others = [usual[other] for other in np.flatnonzero(speakers == speakers[place]) if other != place]
        yield held_against(Person.of(others, {}), said, relative[place]) if _enough(others) else dict(said)


def held_against(person: Person, said: Said, relative: Said) -> dict[str, Double]:
    """``relative`` without what is usual of the person, for the modalities that the person is known by; of the others,
    what is ``said``.
    """
    return {
        name: person.without(name, relative[name]) if name in person.usual else values for name, values in said.items()
    }


def _enough(others: Sequence[Said]) -> bool:
    counts = Counter(name for one in others for name in one)
    return max(counts.values(), default=0) >= LEAST_CLIPS


def normalised_rows(values: Double, speakers: NDArray[np.str_], relative: Double | None = None) -> Double:
    """``values (N, 7)`` of one modality, a row an item, normalised by their speakers; see ``normalised``."""
    said, instead = (
        [{"it": row[np.newaxis]} for row in rows] for rows in (values, values if relative is None else relative)
    )
    return np.concatenate([one["it"] for one in normalised(said, speakers, instead)])


def without_speakers(
    tables: Sequence[FrameTable], speakers: NDArray[np.str_], relative: Sequence[FrameTable] | None = None
) -> list[FrameTable]:
    """Tables of the frames of clips, a clip each, normalised by their speakers; see ``normalised``."""
    clips, instead = ([said_in(one) for one in part] for part in (tables, tables if relative is None else relative))
    return [with_said(table, said) for table, said in zip(tables, normalised(clips, speakers, instead), strict=True)]


def said_in(table: FrameTable) -> dict[str, Double]:
    """What each modality says on the rows where it says anything."""
    return {one.name: table.values[table.valid[:, place], place] for place, one in enumerate(MODALITIES)}


def with_said(table: FrameTable, said: Said) -> FrameTable:
    """The table, with ``said`` in the place of what each modality says there."""
    values = table.values.copy()
    for place, one in enumerate(MODALITIES):
        values[table.valid[:, place], place] = said[one.name]
    return replace(table, values=values)
