"""What people said, as columns beside the machine's rows: who a face is, and which label a person gave instead."""

from __future__ import annotations

import numpy as np

from avcer.analysis import Analysis
from avcer.output.corrections import Corrections
from avcer.output.tables import Column, Table


def people_columns(table: Table, analysis: Analysis, corrections: Corrections) -> tuple[Column, ...]:
    """For the rows of a table with ``frame`` (rising) and ``face``: the face that a person merged it into, its name,
    and the label that a person gave; empty where nobody did. Of corrections that overlap, the later one counts.
    """
    faces = table["face"].values
    known = {face: corrections.person(int(face)) for face in np.unique(faces[~np.isnan(faces)]).tolist()}
    persons = np.array([known.get(face, np.nan) for face in faces.tolist()], np.float64)
    names = np.array([corrections.names.get(int(one)) if one == one else None for one in persons.tolist()], object)
    labels = np.full(len(faces), None, object)
    times_s = analysis.times_s[table["frame"].values.astype(np.int64)]
    for one in sorted(corrections.segments, key=lambda one: one.start_s):
        first, last = np.searchsorted(times_s, (one.start_s, one.end_s))
        wanted = corrections.person(one.face)
        same = np.isnan(persons[first:last]) if wanted is None else persons[first:last] == wanted
        labels[first:last][same] = one.label
    return (
        Column("person", persons, "the face that this one is part of, as a person said; else its own number", 0),
        Column("name", names, "the name that a person gave to the face"),
        Column("corrected", labels, "the label that a person gave instead of AV"),
    )
