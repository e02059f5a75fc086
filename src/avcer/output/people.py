"""What people said, as columns beside the machine's rows: who a face is, and which label a person gave instead."""

from __future__ import annotations

import numpy as np

from avcer.analysis import Analysis
from avcer.output.corrections import Corrections, labelled
from avcer.output.tables import Column, Table


def people_columns(table: Table, analysis: Analysis, corrections: Corrections) -> tuple[Column, ...]:
    """For the rows of a table with ``frame`` (rising) and ``face``: the face that it is as a person said, its name,
    and the label that a person gave; empty where nobody did.
    """
    faces = table["face"].values
    times_s = analysis.times_s[table["frame"].values.astype(np.int64)]
    persons = np.full(len(faces), np.nan)
    for face in np.unique(faces[~np.isnan(faces)]).tolist():
        persons[faces == face] = corrections.whos(int(face), times_s[faces == face])
    names = np.array([corrections.names.get(int(one)) if one == one else None for one in persons.tolist()], object)
    labels = np.full(len(faces), None, object)
    for one in labelled(corrections):
        first, last = np.searchsorted(times_s, (one.start_s, one.end_s))
        same = np.isnan(persons[first:last]) if one.face is None else persons[first:last] == one.face
        labels[first:last][same] = one.label
    return (
        Column("person", persons, "the face that this one is at this moment, as a person said; else its own number", 0),
        Column("name", names, "the name that a person gave to the face"),
        Column("corrected", labels, "the label that a person gave instead of AV"),
    )
