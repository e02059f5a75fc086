"""A session that runs live: the newest frame is classified; on earlier ones faces are interpolated.

One group of frames is in flight at a time. The detector and the models run on the newest frame of a group; on the
frames before it, boxes are interpolated in a straight line, and faces are classified only where the settings ask for
it. So every frame of the recording has its row, and a machine that is too slow skips more frames instead of falling
behind.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from avcer.analysis import Analysis, FaceAnalysis
from avcer.emotion.waveform import WINDOW_S
from avcer.labels import BASIC
from avcer.live.inbox import Taken
from avcer.modalities import AUDIO, DYNAMIC
from avcer.pipeline import Analyzer
from avcer.settled import Update
from avcer.types import KINDS

LATENCY_S: Final = 10.0
"""Of the session: longer than any group, so that no group is cut."""
DYNAMIC_S: Final = 2.0
"""What the dynamic model has to see of a face."""
HEARD_WITHIN_S: Final = 0.1
"""So long a result waits for what the voice model makes of the sound before its frame; no longer, if it is slow."""
RATE_OVER: Final = 30
"""Results over which the rate is averaged."""


@dataclass(frozen=True)
class Row:
    """What is known of one face on one frame: its id (None: from sound alone), its box in pixels or None, the
    label, its kind, share and probability, the seven ``{emotion: probability}``, and what each modality says of them.
    """

    face: int | None
    box: tuple[float, float, float, float] | None
    label: str | None
    kind: str | None
    salience: float | None
    probability: float | None
    seven: dict[str, float] | None
    said: dict[str, dict[str, float]]


@dataclass(frozen=True)
class Result:
    """The rows of the newest frame: its index, its time in seconds from the first, who leads, how long after its
    arrival they were known, how many frames a second are looked at, and how long models still need, by modality.
    """

    index: int
    time_s: float
    rows: tuple[Row, ...]
    leads: int | None
    latency_s: float
    rate: float
    waits_s: dict[str, float]
    stamps_s: tuple[float, ...]

    @property
    def leader(self) -> Row | None:
        """The row of the face that leads."""
        return next((row for row in self.rows if row.face == self.leads), None)


class Watch:
    """Feeds a session with what an inbox gives. Close it, or use it as a context."""

    def __init__(self, analyzer: Analyzer) -> None:
        self._session = analyzer.session(latency_s=LATENCY_S)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="avcer-sound")
        self._hearing: deque[Future[None]] = deque()
        self._sound_s: float | None = None
        self._first_s: dict[int, float] = {}
        self._shown_s: deque[float] = deque(maxlen=RATE_OVER)

    def feed(self, taken: Taken) -> Iterator[Result]:
        """Works off what was taken; yields the result of its newest frame, if there is a frame."""
        for block in taken.sound:
            self._sound_s = block.start_s if self._sound_s is None else self._sound_s
            self._hearing.append(self._thread.submit(self._session.hear, block))
        if taken.frames:
            self._session.see([arrived.frame for arrived in taken.frames])
            self._session.flush()
            wait(self._hearing, HEARD_WITHIN_S)
        while self._hearing and self._hearing[0].done():
            self._hearing.popleft().result()
        if not taken.frames:
            return
        for update in self._session.updates():
            yield self._result(update, taken)

    def finish(self, *notes: str) -> Analysis:
        """The analysis of all frames; ``notes`` are added to its warnings."""
        while self._hearing:
            self._hearing.popleft().result()
        self._session.note(*notes)
        return self._session.finish()

    def close(self) -> None:
        """Ends the threads; what waits is dropped."""
        self._thread.shutdown(cancel_futures=True)
        self._session.close()

    def __enter__(self) -> Watch:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _result(self, update: Update, taken: Taken) -> Result:
        now_s, time_s = time.monotonic(), float(update.times_s[-1])
        index = update.first + len(update.times_s) - 1
        self._shown_s.append(now_s)
        passed_s = self._shown_s[-1] - self._shown_s[0]
        leads = int(update.leads[-1])
        rows = tuple(row_of(face, -1) for face in update.faces if len(face.frames) and face.frames[-1] == index)
        return Result(
            index=index,
            time_s=time_s,
            rows=rows,
            leads=None if leads < 0 else leads,
            latency_s=now_s - taken.frames[-1].at_s,
            rate=(len(self._shown_s) - 1) / passed_s if passed_s > 0 else 0.0,
            waits_s=self._waits(update, time_s),
            stamps_s=tuple(arrived.at_s for arrived in taken.frames),
        )

    def _waits(self, update: Update, time_s: float) -> dict[str, float]:
        """Seconds until the models that need a while have had it, as far as they say nothing yet."""
        waits = {}
        for face in update.faces:
            if face.id is not None:
                self._first_s.setdefault(face.id, time_s)
        leads = self._first_s.get(int(update.leads[-1]))
        if leads is not None and time_s - leads < DYNAMIC_S:
            waits[DYNAMIC.name] = DYNAMIC_S - (time_s - leads)
        if self._sound_s is not None and time_s - self._sound_s < WINDOW_S and not update.audio.valid[-1]:
            waits[AUDIO.name] = WINDOW_S - (time_s - self._sound_s)
        return waits


def row_of(face: FaceAnalysis, place: int) -> Row:
    """What is known of a face on the frame of one of its rows."""
    line, track = face.expression, face.track
    frame = face.frames[place]
    seen = track is not None and len(track.frames) and frame == track.frames[np.searchsorted(track.frames[:-1], frame)]
    box = track.boxes[np.searchsorted(track.frames[:-1], frame)].tolist() if seen and track is not None else None
    known = bool(line.valid[place])
    salience = float(line.salience[place])
    total = float(face.fused.values[place].sum())
    return Row(
        face=face.id,
        box=None if box is None else (box[0], box[1], box[2], box[3]),
        label=line.label(int(line.classes[place])) if known else None,
        kind=KINDS[int(line.kind[place])] if known else None,
        salience=salience / 100 if known and not np.isnan(salience) else None,
        probability=float(line.probability[place]) if known else None,
        seven=_named(face.fused.values[place] / total) if face.fused.valid[place] and total > 0 else None,
        said={name: _named(one.values[place]) for name, one in face.said.items() if one.valid[place]},
    )


def _named(seven: Any) -> dict[str, float]:
    return dict(zip(BASIC, np.asarray(seven, np.float64).tolist(), strict=True))
