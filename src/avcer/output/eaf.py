"""``segments.eaf`` for ELAN (EAF 3.0): a tier for each face, its probabilities below it, and curves beside the picture.

The order of elements, the constraints and the names of properties are those of ELAN's own files.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from mimetypes import guess_type
from os.path import relpath
from pathlib import Path
from typing import Final
from urllib.parse import quote
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import numpy as np

from avcer import __version__
from avcer.analysis import Analysis, FaceAnalysis
from avcer.files import atomic, atomic_text
from avcer.labels import BASIC
from avcer.output.colours import EMOTIONS, rgb
from avcer.output.record import WORKED_IN, announce
from avcer.output.rows import write_rows
from avcer.output.tiers import MARKERS, PROGRAM, Tier, Tiers, below, players_ms

EAF: Final = "segments.eaf"
CURVES: Final = "elan_curves.csv"
CURVES_SET_UP: Final = "segments_tsconf.xml"
SCHEMA: Final = "http://www.mpi.nl/tools/elan/EAFv3.0.xsd"
_VOCABULARY: Final = "labels"
_CONSTRAINTS: Final = (
    ("Time_Subdivision", "Time subdivision of parent annotation's time interval, no time gaps allowed"),
    ("Symbolic_Subdivision", "Symbolic subdivision of a parent annotation, without links to time"),
    ("Symbolic_Association", "1-1 association with a parent annotation"),
    ("Included_In", "Time alignable annotations within the parent annotation's time interval, gaps are allowed"),
)


def write_eaf(analysis: Analysis, folder: Path, tiers: Tiers, media: str | None = None) -> list[Path]:
    """Writes the annotation file, the curves of the primary face as CSV, and ELAN's set-up of the curves.

    ELAN finds the set-up's CSV by its absolute address: after the folder has moved, write the files again
    (``avcer export --formats eaf``). With ``media``, the name of the clip where the files will be taken, no address
    is absolute: clip and curves are looked for beside the annotation file.

    Raises:
        OutputError: a file cannot be written.
    """
    face = next((face for face in analysis.faces if face.track is not None and face.id == analysis.primary), None)
    places = _Places(analysis.clip.path, folder, media)
    paths = [_write(folder / EAF, _document(analysis, tiers, places, curves=face is not None))]
    if face is not None:
        paths += [_write_curves(analysis, face, folder / CURVES), _write(folder / CURVES_SET_UP, _set_up(places))]
    return paths


@dataclass(frozen=True)
class _Places:
    """The addresses in the files: of ``clip``, and of what lies in ``folder``; see ``write_eaf``."""

    clip: Path
    folder: Path
    media: str | None

    @property
    def name(self) -> str:
        """What the clip is called."""
        return self.media or self.clip.name

    def of_clip(self) -> tuple[str, str]:
        """The clip's own address, and the way to it."""
        if self.media is not None:
            return f"./{quote(self.media)}", f"./{self.media}"
        return self.clip.absolute().as_uri(), _relative(self.clip, self.folder)

    def of_file(self, name: str) -> str:
        """The address of a file in the folder."""
        return (self.folder / name).absolute().as_uri() if self.media is None else f"./{name}"


def _document(analysis: Analysis, tiers: Tiers, places: _Places, curves: bool) -> Element:
    now = datetime.now(UTC).astimezone().isoformat(timespec="seconds")
    root = Element("ANNOTATION_DOCUMENT", AUTHOR="avcer", DATE=now, FORMAT="3.0", VERSION="3.0")
    root.set("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
    root.set("xsi:noNamespaceSchemaLocation", SCHEMA)
    slots = _Slots()
    rows = [row for tier in tiers.tiers for row in _tier(tier, tiers, slots)]
    if tiers.markers:
        rows.append(_markers(tiers, slots))
    root.append(_header(places, curves, slots.annotations))
    root.append(slots.time_order())
    root.extend(rows)
    root.append(Element("LINGUISTIC_TYPE", LINGUISTIC_TYPE_ID="label", TIME_ALIGNABLE="true",
                        GRAPHIC_REFERENCES="false", CONTROLLED_VOCABULARY_REF=_VOCABULARY))  # fmt: skip
    root.append(Element("LINGUISTIC_TYPE", LINGUISTIC_TYPE_ID="probability", TIME_ALIGNABLE="false",
                        GRAPHIC_REFERENCES="false", CONSTRAINTS="Symbolic_Association"))  # fmt: skip
    root.append(Element("LINGUISTIC_TYPE", LINGUISTIC_TYPE_ID="marker", TIME_ALIGNABLE="true",
                        GRAPHIC_REFERENCES="false"))  # fmt: skip
    language = "http://cdb.iso.org/lg/CDB-00138502-001"
    root.append(Element("LANGUAGE", LANG_ID="eng", LANG_DEF=language, LANG_LABEL="English (eng)"))
    for name, description in _CONSTRAINTS:
        root.append(Element("CONSTRAINT", STEREOTYPE=name, DESCRIPTION=description))
    root.append(_vocabulary(tiers))
    return root


def _header(places: _Places, curves: bool, annotations: int) -> Element:
    header = Element("HEADER", MEDIA_FILE="", TIME_UNITS="milliseconds")
    kind = guess_type(places.name)[0] or "video/mp4"
    address, way = places.of_clip()
    SubElement(header, "MEDIA_DESCRIPTOR", MEDIA_URL=address, MIME_TYPE=kind, RELATIVE_MEDIA_URL=way)
    for name, kind in ((CURVES_SET_UP, "text/xml"), (CURVES, "unknown")) if curves else ():
        SubElement(header, "LINKED_FILE_DESCRIPTOR", LINK_URL=places.of_file(name), MIME_TYPE=kind,
                   RELATIVE_LINK_URL=f"./{name}")  # fmt: skip
    SubElement(header, "PROPERTY", NAME="URN").text = f"urn:avcer:{__version__}"
    SubElement(header, "PROPERTY", NAME="lastUsedAnnotationId").text = str(annotations)
    return header


def _relative(clip: Path, folder: Path) -> str:
    """The way to the clip, as it is; where a name on it is not UTF-8, which XML cannot hold, with percent signs."""
    try:
        way = "./" + Path(relpath(clip.absolute(), folder.absolute())).as_posix()
        return quote(os.fsencode(way)) if any("\ud800" <= letter <= "\udfff" for letter in way) else way
    except ValueError:  # another drive
        return clip.absolute().as_uri()


class _Slots:
    """Numbers time slots and annotations."""

    def __init__(self) -> None:
        self.annotations = 0
        self._times_ms: list[int] = []

    def slot(self, time_ms: int) -> str:
        """A new time slot."""
        self._times_ms.append(time_ms)
        return f"ts{len(self._times_ms)}"

    def annotation(self) -> str:
        """The id of a new annotation."""
        self.annotations += 1
        return f"a{self.annotations}"

    def time_order(self) -> Element:
        """All slots, by time."""
        order = Element("TIME_ORDER")
        numbered = sorted(enumerate(self._times_ms, start=1), key=lambda item: item[1])
        for number, time_ms in numbered:
            SubElement(order, "TIME_SLOT", TIME_SLOT_ID=f"ts{number}", TIME_VALUE=str(time_ms))
        return order


def _tier(tier: Tier, tiers: Tiers, slots: _Slots) -> Iterator[Element]:
    """The labels of a face, and below them how probable each is, or that a person gave it."""
    labels = Element("TIER", TIER_ID=tier.name, LINGUISTIC_TYPE_REF="label", PARTICIPANT=tier.name, ANNOTATOR=PROGRAM)
    shares = Element("TIER", TIER_ID=below(tier.name), LINGUISTIC_TYPE_REF="probability",
                    PARENT_REF=tier.name, PARTICIPANT=tier.name, ANNOTATOR=PROGRAM)  # fmt: skip
    entries = {label: f"cveid_{number}" for number, label in enumerate(tiers.labels)}
    for one in tier.intervals:
        parent = slots.annotation()
        aligned = SubElement(
            SubElement(labels, "ANNOTATION"), "ALIGNABLE_ANNOTATION", ANNOTATION_ID=parent, CVE_REF=entries[one.label],
            TIME_SLOT_REF1=slots.slot(one.start_ms), TIME_SLOT_REF2=slots.slot(one.end_ms),
        )  # fmt: skip
        SubElement(aligned, "ANNOTATION_VALUE").text = one.label
        child = SubElement(SubElement(shares, "ANNOTATION"), "REF_ANNOTATION", ANNOTATION_ID=slots.annotation(),
                           ANNOTATION_REF=parent)  # fmt: skip
        SubElement(child, "ANNOTATION_VALUE").text = "corrected" if one.by_person else f"{one.probability:.3f}"
    yield from (labels, shares)


def _markers(tiers: Tiers, slots: _Slots) -> Element:
    """The markers of a person. An annotation of ELAN has a length, so each gets a millisecond."""
    row = Element("TIER", TIER_ID=MARKERS, LINGUISTIC_TYPE_REF="marker", ANNOTATOR="person")
    reached_ms = -1
    for time_ms, text in tiers.markers:
        start_ms = max(time_ms, reached_ms)
        reached_ms = start_ms + 1
        aligned = SubElement(
            SubElement(row, "ANNOTATION"), "ALIGNABLE_ANNOTATION", ANNOTATION_ID=slots.annotation(),
            TIME_SLOT_REF1=slots.slot(start_ms), TIME_SLOT_REF2=slots.slot(reached_ms),
        )  # fmt: skip
        SubElement(aligned, "ANNOTATION_VALUE").text = text
    return row


def _vocabulary(tiers: Tiers) -> Element:
    vocabulary = Element("CONTROLLED_VOCABULARY", CV_ID=_VOCABULARY)
    SubElement(vocabulary, "DESCRIPTION", LANG_REF="eng").text = "What the expression looks like, as avcer names it"
    for number, label in enumerate(tiers.labels):
        entry = SubElement(vocabulary, "CV_ENTRY_ML", CVE_ID=f"cveid_{number}")
        SubElement(entry, "CVE_VALUE", DESCRIPTION="", LANG_REF="eng").text = label
    return vocabulary


def _write_curves(analysis: Analysis, face: FaceAnalysis, path: Path) -> Path:
    """Seconds on the player's clock, and the fused probability of each emotion; no row where nothing is known."""
    known = np.flatnonzero(face.fused.valid)
    values = face.fused.values[known]
    shares = values / np.maximum(values.sum(axis=1, keepdims=True), 1e-12)
    rows = np.column_stack([players_ms(analysis, face.fused.times_s[known]) / 1000, shares])
    line = ",".join(["%.3f", *["%.4f"] * len(BASIC)]) + "\n"
    with atomic_text(path) as file:
        write_rows(file, line, rows)
    return path


def _set_up(places: _Places) -> Element:
    """ELAN's description of the curves. It takes an absolute address alone, and no space in it."""
    root = Element("timeseries")
    source = SubElement(root, "tracksource", {
        "sample-type": "Discontinuous Rate", "source-url": places.of_file(CURVES), "time-column": "0",
    })  # fmt: skip
    provider = "mpi.eudico.client.annotator.timeseries.csv.CSVServiceProvider"
    SubElement(source, "property", key="provider", value=provider)
    for column, (emotion, colour) in enumerate(EMOTIONS.items(), start=1):
        track = SubElement(source, "track", derivative="0", name=emotion)
        SubElement(SubElement(track, "sample-position"), "pos", row="0", col=str(column))
        SubElement(track, "property", key="detect-range", value="false")
        SubElement(track, "range", min="0.0", max="1.0")
        SubElement(track, "color").text = ",".join(map(str, rgb(colour)))
    return root


def _write(path: Path, root: Element) -> Path:
    ElementTree.indent(root, "    ")
    with atomic(path) as part:
        ElementTree.ElementTree(root).write(part, encoding="UTF-8", xml_declaration=True)
        if path.name in WORKED_IN.values():
            announce(part, path)
    return path
