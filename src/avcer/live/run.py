"""One live analysis from start to stop: watch, show, record, send, and write the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Final

from avcer.analysis import Analysis
from avcer.errors import InputError
from avcer.files import make_folder
from avcer.live.inbox import Inbox, Reader, Taken
from avcer.live.lsl import Streams
from avcer.live.record import Recording
from avcer.live.watch import Result, Watch
from avcer.media import SoundBlock, probe
from avcer.output.corrections import Corrections, Marker, write_corrections
from avcer.pipeline import Analyzer
from avcer.types import Frame

TICK_S: Final = 0.2
"""So often one looks whether to stop while a source says nothing."""
Show = Callable[[Result], None]


@dataclass(frozen=True)
class Wanted:
    """What a live analysis is to do beside showing: ``folder`` for the recording and its results, None for none, in
    these ``formats``; ``lsl``, the name of its streams, None for none; ``seconds`` after which it stops by itself.
    """

    folder: Path | None = None
    formats: Sequence[str] = ()
    lsl: str | None = None
    seconds: float | None = None


@dataclass
class Outcome:
    """What came of it: the analysis, and the files of the results; ``gone``: whether the source ended by itself."""

    analysis: Analysis | None = None
    files: list[Path] = field(default_factory=list)
    gone: bool = False


class LiveRun:
    """Runs one live analysis; ``stop`` may be called from anywhere, also from a signal's handler."""

    def __init__(self, analyzer: Analyzer, source: Iterable[Frame | SoundBlock], wanted: Wanted) -> None:
        self.inbox = Inbox()
        self._analyzer, self._source, self._wanted = analyzer, source, wanted
        self._stopped = False
        self._zero_at_s = float("inf")
        self._markers: list[Marker] = []

    def stop(self) -> None:
        """Has it end after the group of frames that is in flight."""
        self._stopped = True

    def run(self, show: Show) -> Outcome:
        """Until the source ends, or it is stopped.

        Raises:
            InputError: the source gave no frame at all.
            OutputError: the recording or the results cannot be written.
        """
        wanted = self._wanted
        streams = Streams(wanted.lsl) if wanted.lsl else None
        recording = Recording(make_folder(wanted.folder)) if wanted.folder else None
        reader = Reader(self._source, self.inbox)
        try:
            with Watch(self._analyzer) as watch:
                count, gone = self._loop(watch, show, recording, streams)
                reader.stop()
                if not count and self._stopped:
                    return Outcome()
                if not count:
                    raise self.inbox.error or InputError(f"{self._source}: gave no picture; check the source")
                analysis = watch.finish(*self._notes())
        finally:
            reader.stop(0)
            video = recording.finish() if recording is not None else None
            if streams is not None:
                streams.close()
        outcome = Outcome(analysis, gone=gone)
        if recording is not None and wanted.folder is not None:
            if recording.failure is not None:
                raise recording.failure
            outcome.analysis, outcome.files = self._save(analysis, video, wanted.folder)
        return outcome

    def _loop(self, watch: Watch, show: Show, recording: Recording | None, streams: Streams | None) -> tuple[int, bool]:
        """How many groups of frames there were, and whether the source ended by itself."""
        count, begun_s = 0, time.monotonic()
        while not self._stopped:
            taken = self.inbox.take(TICK_S)
            if recording is not None:
                recording.add(taken)
            for result in watch.feed(taken):
                self._note_zero(taken)
                show(result)
                if streams is not None:
                    streams.push(result)
            if streams is not None and self._zero_at_s < float("inf"):
                self._markers += streams.markers(self._zero_at_s)
            count += bool(taken.frames)
            if taken.ended:
                return count, True
            if self._wanted.seconds is not None and time.monotonic() - begun_s >= self._wanted.seconds:
                break
        return count, False

    def _note_zero(self, taken: Taken) -> None:
        """When time 0 was: a frame may come late, but not early."""
        at_s = min(arrived.at_s - arrived.frame.time_s for arrived in taken.frames)
        self._zero_at_s = min(self._zero_at_s, at_s)

    def _notes(self) -> list[str]:
        notes = [str(self.inbox.error)] if self.inbox.error else []
        if self.inbox.skipped:
            notes.append(f"{self.inbox.skipped} frames were left out: the machine could not keep up")
        return notes

    def _save(self, analysis: Analysis, video: Path | None, folder: Path) -> tuple[Analysis, list[Path]]:
        """The results, of the recording as their clip; markers of others as corrections beside them."""
        if video is not None:
            analysis = of_recording(analysis, video)
        files = analysis.save(folder, self._wanted.formats)
        if self._markers:
            files.append(write_corrections(Corrections(markers=tuple(self._markers)), folder))
        return analysis, [*([video] if video else []), *files]


def of_recording(analysis: Analysis, video: Path) -> Analysis:
    """The analysis with its recording as the clip."""
    known, live = probe(video), analysis.clip
    lasts_s = live.start_s + live.duration_s - known.start_s  # the file may say less of its last frame
    clip = replace(
        known, frame_count=len(analysis.times_s), sizes=live.sizes, duration_s=max(known.duration_s, lasts_s)
    )
    return replace(analysis, clip=clip)


def folder_for(out: Path) -> Path:
    """A folder of its own for a recording that begins now."""
    named = out / f"live-{datetime.now():%Y-%m-%d-%H%M%S}"
    taken = (named.with_name(f"{named.name}-{number}") for number in range(2, 1000))
    return next(folder for folder in (named, *taken) if not folder.exists())
