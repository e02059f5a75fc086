"""Lab Streaming Layer: a stream of numbers for each face, a stream of label changes, and markers of other programs.

Everything is stamped with the time at which its frame came, on the clock of LSL, not with the end of the analysis.
"""

from __future__ import annotations

import time
from typing import Any, Final

from avcer.errors import MissingExtraError
from avcer.labels import BASIC
from avcer.live.watch import Result, Row
from avcer.modalities import NAMES
from avcer.output.corrections import Marker

SOURCES: Final = ("fused", *NAMES)
BOX: Final = ("x1", "y1", "x2", "y2")
CHANNELS: Final = (
    *((f"{source}_{emotion}", "probability", "Emotion") for source in SOURCES for emotion in BASIC),
    ("probability", "probability", "Label"),
    ("salience", "share", "Label"),
    *((side, "pixels", "Box") for side in BOX),
)
"""Label, unit and type of each channel; what is not known is not a number (NaN)."""
OURS: Final = "avcer-live-"
LOOK_EVERY_S: Final = 1.0
LONGEST_TEXT: Final = 200
NOT_KNOWN: Final = float("nan")


class Streams:
    """Outlets of ``name``, and inlets of the others' markers.

    Raises:
        MissingExtraError: pylsl, or its library, is not there.
    """

    def __init__(self, name: str) -> None:
        try:
            import pylsl
        except (ImportError, RuntimeError) as error:
            raise MissingExtraError("--lsl needs the extra lsl: pip install 'avcer[lsl]'") from error
        self._lsl: Any = pylsl
        self._name = name
        self._id = f"{OURS}{name}-{time.monotonic_ns():x}"
        self._ahead_s = pylsl.local_clock() - time.monotonic()
        self._faces: dict[int | None, Any] = {}
        self._labels: dict[int | None, str | None] = {}
        info = pylsl.StreamInfo(f"{name} labels", "Markers", 1, 0, pylsl.cf_string, f"{self._id}-labels")
        self._changes = pylsl.StreamOutlet(info)
        self._found = pylsl.ContinuousResolver("type", "Markers")
        self._inlets: dict[str, Any] = {}
        self._looked_s = -LOOK_EVERY_S

    def push(self, result: Result) -> None:
        """Sends the rows of a frame, and the labels that have changed with it."""
        stamp = result.stamps_s[-1] + self._ahead_s
        for row in result.rows:
            if row.face not in self._faces:
                self._faces[row.face] = self._outlet(row.face)
            self._faces[row.face].push_sample(sample(row), stamp)
            if self._labels.get(row.face, "") != row.label:
                self._labels[row.face] = row.label
                self._changes.push_sample([f"{_called(row.face)}: {row.label or 'not known'}"], stamp)

    def markers(self, zero_at_s: float) -> list[Marker]:
        """What other programs have marked since the last call; ``zero_at_s`` is when time 0 of the recording was, on
        the clock of ``time.monotonic``.
        """
        if time.monotonic() - self._looked_s >= LOOK_EVERY_S:
            self._looked_s = time.monotonic()
            self._open_new()
        marked = []
        for inlet in self._inlets.values():
            texts, stamps = inlet.pull_chunk(0.0)
            for words, stamp in zip(texts, stamps, strict=True):
                text = " ".join(" ".join(map(str, words)).split())[:LONGEST_TEXT]
                if text:
                    marked.append(Marker(stamp - self._ahead_s - zero_at_s, text))
        return marked

    def close(self) -> None:
        """Ends the streams."""
        for inlet in self._inlets.values():
            inlet.close_stream()
        self._faces.clear()
        self._inlets.clear()
        del self._changes, self._found

    def _open_new(self) -> None:
        for info in self._found.results():
            ours, of_text = info.source_id().startswith(OURS), info.channel_format() == self._lsl.cf_string
            if of_text and not ours and info.uid() not in self._inlets:
                flags = self._lsl.proc_clocksync
                self._inlets[info.uid()] = self._lsl.StreamInlet(info, processing_flags=flags)

    def _outlet(self, face: int | None) -> Any:
        called = _called(face)
        info = self._lsl.StreamInfo(
            f"{self._name} {called}", "Emotion", len(CHANNELS), 0, self._lsl.cf_float32, f"{self._id}-{called}"
        )
        channels = info.desc().append_child("channels")
        for label, unit, kind in CHANNELS:
            channel = channels.append_child("channel")
            channel.append_child_value("label", label)
            channel.append_child_value("unit", unit)
            channel.append_child_value("type", kind)
        synchronization = info.desc().append_child("synchronization")
        synchronization.append_child_value("can_drop_samples", "true")
        return self._lsl.StreamOutlet(info)


def sample(row: Row) -> list[float]:
    """The numbers of a row, in the order of ``CHANNELS``."""
    said = {"fused": row.seven, **row.said}
    numbers = [float((said.get(source) or {}).get(emotion, NOT_KNOWN)) for source in SOURCES for emotion in BASIC]
    of_label = [NOT_KNOWN if one is None else one for one in (row.probability, row.salience)]
    return [*numbers, *of_label, *(row.box or (NOT_KNOWN,) * len(BOX))]


def _called(face: int | None) -> str:
    return "voice" if face is None else f"face {face}"
