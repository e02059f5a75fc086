"""ELAN's files, ``.eaf`` of any version with times in milliseconds.

Times are those of the clip: ``TIME_ORIGIN`` is added, which ELAN keeps where a person shifted the media against the
annotations. A document type, in which XML hides files and bombs, is refused: ELAN writes none.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit
from urllib.request import url2pathname
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from avcer.annotations.record import AnnotatedTier, Annotation, Stretch
from avcer.errors import InputError

Span = tuple[float, float]
"""Milliseconds on the clock of the annotations."""

_MARKERS: Final = ("Markers", "marker")
"""Name and type of the tier in which avcer writes a person's markers: moments, not labels."""


@dataclass(frozen=True)
class _Rows:
    """The spans and texts of a tier, and what is wrong with it, in words."""

    found: list[tuple[Span, str]]
    damage: str


def read_eaf(path: Path) -> Annotation:
    """Every tier of an ELAN file.

    A dependent tier has the times of its parent; several annotations below one share its time evenly, and so do
    annotations without times of their own, as ELAN draws them. One whose parent is gone is left out, and its tier says
    so: of probabilities, which hang below labels that a person may have removed, nobody reads any.

    Raises:
        InputError: not such a file, or a damaged one.
    """
    try:
        root = _parse(path)
        if root.tag != "ANNOTATION_DOCUMENT":
            raise ValueError(f"its root is {root.tag!r}")
        units = _header(root).get("TIME_UNITS", "milliseconds")
        if units != "milliseconds":
            raise ValueError(f"its times are in {units!r}")
        clip, origin_ms = _media(root, path.parent)
        return Annotation(path, clip, tuple(_tiers(root, origin_ms)))
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror or error}); check the file") from error
    except (expat.ExpatError, ValueError, KeyError, LookupError, AssertionError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path}: not an annotation file of ELAN ({reason}); save it again in ELAN") from error


def _parse(path: Path) -> Element:
    builder = TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = _refuse
    with path.open("rb") as file:
        parser.ParseFile(file)
    root: Element = builder.close()
    return root


def _refuse(*_: object) -> None:
    raise ValueError("it declares a document type, which may hide other files")


def _header(root: Element) -> Element:
    found = root.find("HEADER")
    return Element("HEADER") if found is None else found


def _media(root: Element, folder: Path) -> tuple[Path | None, float]:
    """The clip that the file names first, and where its clock is when that of the annotations is 0."""
    described = _header(root).find("MEDIA_DESCRIPTOR")
    if described is None:
        return None, 0.0
    names = [described.get(name, "") for name in ("RELATIVE_MEDIA_URL", "MEDIA_URL")]
    places = [place for name in names if name for place in _places(name, folder)]
    there = [place for place in places if place.exists()]
    return next(iter([*there, *places[::-1]]), None), float(described.get("TIME_ORIGIN") or 0)


def _places(address: str, folder: Path) -> Iterator[Path]:
    """Where a file may be that an address names; ELAN writes relative ones with and without percent signs."""
    if address.startswith("file:"):
        parts = urlsplit(address)
        yield Path(url2pathname(parts.path))
    elif "://" not in address:
        yield folder / address
        yield folder / os.fsdecode(unquote_to_bytes(address))


def _tiers(root: Element, origin_ms: float) -> Iterator[AnnotatedTier]:
    slots = {
        slot.attrib["TIME_SLOT_ID"]: float(slot.attrib["TIME_VALUE"]) if "TIME_VALUE" in slot.attrib else None
        for slot in root.iter("TIME_SLOT")
    }
    spans: dict[str, Span] = {}
    found = {tier.attrib["TIER_ID"]: _rows(tier, slots, spans) for tier in _parents_first(root)}
    for tier in root.iter("TIER"):
        if (tier.attrib["TIER_ID"], tier.get("LINGUISTIC_TYPE_REF")) != _MARKERS:
            yield _tier(tier, found[tier.attrib["TIER_ID"]], origin_ms)


def _parents_first(root: Element) -> Iterator[Element]:
    """The tiers, which ELAN writes in the order in which a person made them, so that a parent comes before its own."""
    waiting = {tier.attrib["TIER_ID"]: tier for tier in root.iter("TIER")}
    while waiting:
        ready = [name for name, tier in waiting.items() if tier.get("PARENT_REF") not in waiting]
        if not ready:
            raise ValueError(f"the tiers {', '.join(waiting)} hang below each other")
        yield from [waiting.pop(name) for name in ready]


def _tier(tier: Element, rows: _Rows, origin_ms: float) -> AnnotatedTier:
    stretches = (
        Stretch((start_ms + origin_ms) / 1000, (end_ms + origin_ms) / 1000, text)
        for (start_ms, end_ms), text in sorted(rows.found)
        if end_ms > start_ms
    )
    name, annotator = tier.attrib["TIER_ID"], tier.get("ANNOTATOR", "")
    dependent = "PARENT_REF" in tier.attrib
    return AnnotatedTier(name, tuple(stretches), tier.get("PARTICIPANT", ""), annotator, dependent, rows.damage)


def _rows(tier: Element, slots: Mapping[str, float | None], spans: dict[str, Span]) -> _Rows:
    """The annotations of a tier; their spans go into ``spans`` by their id, too."""
    found, orphans = [], []
    timed = list(tier.iter("ALIGNABLE_ANNOTATION"))
    for one, span in zip(timed, _aligned(timed, slots), strict=True):
        spans[one.attrib["ANNOTATION_ID"]] = span
        found.append((span, one.findtext("ANNOTATION_VALUE") or ""))
    below: dict[str, list[Element]] = {}
    for one in tier.iter("REF_ANNOTATION"):
        below.setdefault(one.attrib["ANNOTATION_REF"], []).append(one)
    for parent, children in below.items():
        if parent not in spans:
            orphans += [f"annotation {child.attrib['ANNOTATION_ID']} of tier {tier.attrib['TIER_ID']!r} hangs below "
                        f"{parent}, which is gone" for child in children]  # fmt: skip
            continue
        for child, span in zip(children, _divided(spans[parent], len(children)), strict=True):
            spans[child.attrib["ANNOTATION_ID"]] = span
            found.append((span, child.findtext("ANNOTATION_VALUE") or ""))
    return _Rows(found, next(iter(orphans), ""))


def _aligned(annotations: list[Element], slots: Mapping[str, float | None]) -> Iterator[Span]:
    """The spans of annotations; a chain of them without a time between shares the time evenly."""
    ends = [(one.attrib["TIME_SLOT_REF1"], one.attrib["TIME_SLOT_REF2"]) for one in annotations]
    known = dict(slots)
    place = 0
    while place < len(ends):
        last = place
        while known[ends[last][1]] is None and last + 1 < len(ends):
            last += 1
        first_ms, last_ms = known[ends[place][0]], known[ends[last][1]]
        if first_ms is None or last_ms is None:
            raise ValueError(f"an annotation from {ends[place][0]} to {ends[last][1]} has no time")
        for (start, end), span in zip(
            ends[place : last + 1], _divided((first_ms, last_ms), last + 1 - place), strict=True
        ):
            known[start], known[end] = span
            yield span
        place = last + 1


def _divided(span: Span, count: int) -> list[Span]:
    """A span in as many equal parts."""
    start_ms, end_ms = span
    edges = [start_ms + (end_ms - start_ms) * place / count for place in range(count + 1)]
    return list(pairwise(edges))
