"""Files of annotations by their suffix, and the clip that they are of."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from avcer.annotations.elan import read_eaf
from avcer.annotations.praat import read_textgrid
from avcer.annotations.record import AnnotatedTier, Annotation, Stretch
from avcer.errors import InputError
from avcer.output.corrections import FILE, labelled, read_corrections
from avcer.output.many import clip_of
from avcer.output.record import DOCUMENT
from avcer.types import Clip

PERSON: Final = "person"
"""The annotator of corrections, which do not say who made them."""


def read_annotation(path: Path, clip: Path | None = None) -> Annotation:
    """The tiers of a file: ELAN's ``.eaf``, Praat's ``.TextGrid``, or ``corrections.json`` beside a result.

    Its clip is ``clip``, or that of the result beside which the file lies, or the one that it names.

    Raises:
        InputError: it cannot be read, or is no such file.
    """
    beside = clip_of(path.parent / DOCUMENT)
    if path.name == FILE:
        found = _corrections(path, beside)
    elif path.suffix.lower() == ".eaf":
        found = read_eaf(path)
    elif path.suffix.lower() == ".textgrid":
        found = read_textgrid(path)
    else:
        raise InputError(f"{path}: is no file of annotations; give an .eaf of ELAN, a .TextGrid of Praat, or {FILE}")
    return replace(found, clip=clip or (beside.path if beside else found.clip))


def _corrections(path: Path, clip: Clip | None) -> Annotation:
    """The segments that a person labelled, face by face. Their clock is the file's, so the clip's start is needed."""
    if not path.is_file():
        raise InputError(f"{path}: does not exist; give the {FILE} of a result")
    if clip is None:
        raise InputError(f"{path}: lies beside no {DOCUMENT}, which says where its clock begins; give it in its folder")
    corrections = read_corrections(path.parent)
    rows: dict[str, list[Stretch]] = {}
    for one in sorted(labelled(corrections), key=lambda one: one.start_s):
        name = corrections.name(one.face)
        start_s, end_s = (round(time_s - clip.start_s, 6) for time_s in (one.start_s, one.end_s))
        rows.setdefault(name, []).append(Stretch(start_s, end_s, one.label))
    return Annotation(
        path, clip.path, tuple(AnnotatedTier(name, tuple(row), name, PERSON) for name, row in rows.items())
    )
