"""Files of annotations by their suffix, and the clip that they are of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

from avcer.annotations.elan import read_eaf
from avcer.annotations.praat import read_textgrid
from avcer.annotations.record import AnnotatedTier, Annotation, Stretch
from avcer.errors import InputError
from avcer.output.corrections import FILE, labelled, read_corrections
from avcer.output.many import clip_of, exported_on
from avcer.output.record import DOCUMENT
from avcer.types import Clip

PERSON: Final = "person"
"""The annotator of corrections, which do not say who made them."""


def read_annotation(
    path: Path, clip: Path | None = None, tell: Callable[[str], None] = lambda note: None
) -> Annotation:
    """The tiers of a file: ELAN's ``.eaf``, Praat's ``.TextGrid``, or ``corrections.json`` beside a result.

    Its clip is ``clip``, or that of the result beside which the file lies, or the one that it names. Beside a result
    of ``--times file``, an ``.eaf`` or a ``.TextGrid`` has the times of the recording, as it was exported: ``tell``
    gets a line on what is taken off.

    Raises:
        InputError: it cannot be read, or is no such file.
    """
    beside = clip_of(path.parent / DOCUMENT)
    if path.name == FILE:
        found = _corrections(path, beside)
    elif path.suffix.lower() == ".eaf":
        found = _as_a_player(read_eaf(path), beside, tell)
    elif path.suffix.lower() == ".textgrid":
        found = _as_a_player(read_textgrid(path), beside, tell)
    else:
        raise InputError(f"{path}: is no file of annotations; give an .eaf of ELAN, a .TextGrid of Praat, or {FILE}")
    return replace(found, clip=clip or (beside.path if beside else found.clip))


def _as_a_player(found: Annotation, clip: Clip | None, tell: Callable[[str], None]) -> Annotation:
    """A file beside the result of ``clip``, with times from the start of the clip."""
    start_s = clip.start_s if clip is not None else 0.0
    if not start_s or exported_on(found.path.parent / DOCUMENT) != "file":
        return found
    tell(f"{found.path}: the result beside it was made with --times file; {start_s:g} s are taken off its times")
    tiers = (
        replace(tier, stretches=tuple(
            Stretch(round(one.start_s - start_s, 6), round(one.end_s - start_s, 6), one.text) for one in tier.stretches
        ))
        for tier in found.tiers
    )  # fmt: skip
    return replace(found, tiers=tuple(tiers))


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
