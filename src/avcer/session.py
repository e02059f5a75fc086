"""``Session``: one clip or one camera, fed with frames and sound; gives settled rows, and in the end an Analysis.

A session knows no path: files, streams and cameras are feeders of the same thing (``feeding.py``).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, Final, Literal
from weakref import proxy

import numpy as np

from avcer.analysis import Analysis
from avcer.clip_facts import fed_clip, note_on_size, notes_on, read_clip
from avcer.decision.person import Reference
from avcer.decision.policy import Policy
from avcer.decision.segments import frame_ends
from avcer.decision.smoothing import Smoother, Smoothing, smoothed
from avcer.decision.timelines import decide_all
from avcer.emotion.audio import AudioModel
from avcer.faces.leadership import Leadership, leading_tracks, primary_track
from avcer.faces.portraits import Portraits
from avcer.hearing import AudioEvidence, Ear, Windows
from avcer.inputs import check_frames, check_sound
from avcer.media import SoundBlock
from avcer.modalities import AUDIO
from avcer.provenance import Provenance
from avcer.sampling import SamplingPlan
from avcer.settled import Settled, Update
from avcer.sight import Eye, VisualModels, Watcher
from avcer.timing import Stages
from avcer.types import Clip, Double, FaceTrack, Frame, Integer, Progress, no_progress

LATE_S: Final = 1.0
"""Sound that comes so long after its frames is worth a warning; a microphone that opens late is not."""
RECENT_WINDOWS: Final = 64
"""So many of the last windows of sound count for a live frame: at least three seconds of them."""


@dataclass(frozen=True)
class Models:
    """What runs: the visual models, the audio model, and the decision."""

    visual: VisualModels
    audio: AudioModel
    policy: Policy


@dataclass(frozen=True)
class SessionPlan:
    """How a session works.

    ``sampling``: on which frames the models run, and the limit of latency; ``windows``: how sound is cut;
    ``sound_for``: whom the sound counts for; ``leadership``: who leads, see ``faces.leadership``; ``portraits``:
    whether small pictures of the faces are kept, for a source that cannot be read twice; ``smoothing``: of decisions
    over time, None for none; ``reference``: what the person is held against, None for nothing; ``detector_side``: to
    how many pixels pictures are reduced for the detector, 0 for not at all.
    """

    sampling: SamplingPlan = field(default_factory=SamplingPlan)
    windows: Windows = field(default_factory=Windows)
    sound_for: Literal["primary", "all"] = "primary"
    leadership: Leadership = "whole-clip"
    portraits: bool = False
    smoothing: Smoothing | None = None
    reference: Reference | None = None
    detector_side: int = 0


class Session:
    """One analysis that is fed. ``Analyzer.session`` makes it.

    One thread calls ``see``, ``updates`` and ``finish``; ``hear`` may be called from a second one. Whoever stops
    feeding early calls ``close``, or uses the session as a context.

    Two kinds. Without a limit of latency, a frame's sound counts as in a whole file: the mean of all windows that the
    frame lies in, so that a row settles four seconds after its frame; the faces' detector runs one batch ahead. With
    one (live), batches are cut so that results come in time, and a frame takes the last window that ended before it.

    Args:
        models: what runs.
        plan: how.
        info: what is known of the clip; None if nothing is.
        progress: called with the stage, how much is done, and of how much (0 = not known).
        provenance: makes the record of who computed what, of the timings.
    """

    def __init__(
        self,
        models: Models,
        plan: SessionPlan,
        info: Clip | None = None,
        progress: Progress = no_progress,
        provenance: Callable[[dict[str, Any]], Provenance] = lambda timings: Provenance(timings=timings),
    ) -> None:
        self.stages = Stages()
        self.plan = plan
        self._models = models
        self._info = info
        self._progress = progress
        self._provenance = provenance
        self.started = time.perf_counter()
        self._live = plan.sampling.latency_s is not None
        self._portraits = Portraits() if plan.portraits else None
        # Its parts know it by a weak reference: in a circle, all that it holds of a clip would stay after its end until
        # Python looks for circles.
        me = proxy(self)
        self._watcher = Watcher(models.visual, plan.sampling, self.stages, self._portraits)
        self._eye = Eye(self._watcher, plan.sampling, lambda count: me._seen(count))
        batch = 1 if self._live else None
        self._ear = Ear(models.audio, plan.windows, self.stages, batch, lambda count: me._heard(count))
        causal = None if plan.smoothing is None else plan.smoothing.causal
        self._settled = Settled(
            self._watcher, models.policy, plan.sound_for, lambda frame: me._frame_end(frame), causal, plan.reference
        )
        self._awaits_sound = info is not None and info.has_audio
        self._sizes: list[tuple[int, int, int]] = []
        self._count = 0
        self._last_s = -np.inf
        self._notes: list[str] = []

    def see(self, frames: Sequence[Frame]) -> None:
        """Takes the next frames, in the order of time; their indices are counted anew.

        Raises:
            UsageError: a frame is not later than the one before, or no BGR picture of bytes; none is taken then.
        """
        check_frames(frames, self._last_s)
        for frame in frames:
            self._last_s = frame.time_s
            size = (frame.image.shape[1], frame.image.shape[0])
            if not self._sizes or self._sizes[-1][1:] != size:
                self._sizes.append((self._count, *size))
            self._count += 1
        self._eye.see(frames)

    def flush(self) -> None:
        """Processes the buffered frames now; use it with a latency limit."""
        self._eye.flush()

    def hear(self, block: SoundBlock) -> None:
        """Takes the next block of sound, mono at 16 kHz, on the clock of the frames. Holes are taken for silence.

        It comes before the frames of its time, unless the session knows from ``info`` that there will be sound: a frame
        that has settled is not heard for anew.

        Raises:
            UsageError: it is not mono, or holds what is no number.
        """
        check_sound(block)
        if not self._awaits_sound:
            self._note_if_late(block)
        self._awaits_sound = True
        self._ear.hear(block)

    def _note_if_late(self, block: SoundBlock) -> None:
        """The first block: frames that were given long before it are settled, without sound."""
        settled = self._settled.count
        late_s = self._watcher.times_s(settled - 1, settled)[0] - block.start_s if settled else 0.0
        if late_s > LATE_S:
            self.note(f"{late_s:.1f} s of frames were settled before their sound came: feed it first, or say `info`")

    def end_pictures(self) -> None:
        """Says that no more frames come, and works off those that wait."""
        self._eye.finish()

    def end_sound(self) -> None:
        """Says that no more sound comes, and works off what waits; may be called from the thread that hears."""
        self._ear.finish()
        self._awaits_sound = False

    def note(self, *warnings: str) -> None:
        """Adds lines to the warnings of the analysis."""
        self._notes += warnings

    def measured(self, info: Clip) -> None:
        """Takes what is known of the clip now that all of it was read: above all, how long it really is."""
        self._info = info

    def updates(self) -> Iterator[Update]:
        """What has become known since the last call, if anything; nothing of it changes later."""
        self._settle()
        update = self._settled.update()
        if update is not None:
            yield update

    def finish(self) -> Analysis:
        """Works off what waits, and makes the analysis; ``updates`` then gives the rest."""
        self.end_pictures()
        self.end_sound()
        with self.stages.stage("decision"):
            self._settle()
            self._settled.complete()
            analysis = self._analysis()
        return replace(analysis, provenance=self._provenance(self._timings(analysis.clip)))

    def close(self) -> None:
        """Ends the session's thread; what waits is dropped. After ``finish`` there is nothing to do."""
        self._eye.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _seen(self, count: int) -> None:
        stated = 0 if self._info is None else self._info.frame_count
        self._progress("pictures", count, max(stated, count) if stated else 0)

    def _heard(self, count: int) -> None:
        duration_s = 0.0 if self._info is None else self._info.duration_s
        windows = math.ceil(duration_s / self.plan.windows.step_s)
        self._progress("sound", count, max(windows, count) if windows else 0)

    def _settle(self) -> None:
        """Records the sound of the frames that no later input can change."""
        settled = self._settled.count
        times_s = self._watcher.times_s(settled)
        if self._live:
            recent = self._heard_as(self._ear.evidence(last=RECENT_WINDOWS))
            self._settled.add(recent.trailing(times_s, 2 * self.plan.windows.step_s))
            return
        if self._awaits_sound:
            times_s = times_s[: np.searchsorted(times_s, self._ear.settled_s)]
        self._settled.add(self._heard_as(self._ear.evidence()).on_frames(times_s))

    def _heard_as(self, evidence: AudioEvidence) -> AudioEvidence:
        """Of a speaker who is known, the relative answers."""
        reference = self.plan.reference
        return evidence if reference is None or not reference.knows_voice else evidence.as_relative()

    def _frame_end(self, frame: int) -> float:
        """When a frame gives way to the next, or ends as the last one."""
        times_s = self._watcher.times_s(frame, frame + 2)
        if len(times_s) > 1:
            return float(times_s[1])
        return float(frame_ends(self._watcher.times_s(), self._clip())[-1])

    def _clip(self) -> Clip:
        times_s = self._watcher.times_s()
        if self._info is not None:
            return read_clip(self._info, times_s, self._sizes)
        return fed_clip(times_s, self._sizes, has_audio=bool(len(self._ear.evidence(last=1).starts_s)))

    def _analysis(self) -> Analysis:
        times_s, clip = self._watcher.times_s(), self._clip()
        tracks, said = self._watcher.tracks(), {AUDIO.name: self._settled.audio()}
        ends_s = frame_ends(times_s, clip)
        leads = self._leads(ends_s - times_s)
        counts_for = None if self.plan.sound_for == "all" else leads
        of_faces = self._of_faces(tracks, times_s, clip.start_s)
        mouths = self._watcher.mouths()
        faces = decide_all(self._models.policy, tracks, of_faces, said, counts_for, times_s, ends_s, mouths)
        if self.plan.smoothing is not None:
            least_s = self._models.policy.least_segment_s
            faces = tuple(smoothed(face, self._smoother(self.plan.smoothing), ends_s, least_s) for face in faces)
        heard, too_large = self._ear.evidence(), note_on_size(self._sizes, self.plan.detector_side)
        warnings = (*self._notes, *notes_on(tracks, times_s, said[AUDIO.name], heard.usable, too_large))
        usual = heard.usual(times_s)
        return Analysis(
            clip=clip,
            times_s=times_s,
            said=said,
            faces=faces,
            primary=primary_track(tracks, ends_s - times_s),
            leads=leads,
            vocabulary=self._models.policy.vocabulary,
            provenance=Provenance(),
            warnings=warnings,
            modalities=self._models.policy.weights.modalities,
            labels=self._models.policy.labels,
            usual={} if usual is None else {AUDIO.name: usual},
            portraits={} if self._portraits is None else self._portraits.by_face(),
        )

    def _of_faces(
        self, tracks: Sequence[FaceTrack], times_s: Double, starts_s: float
    ) -> Mapping[int, Mapping[str, Double]]:
        """What each model says of every face, held against the reference if there is one."""
        said, reference = self._watcher.probabilities(), self.plan.reference
        if reference is None:
            return said
        return {one.id: reference.faces(said[one.id], times_s[one.frames], starts_s) for one in tracks}

    def _smoother(self, smoothing: Smoothing) -> Smoother:
        """The form of smoothing that goes with the plan's leadership."""
        return smoothing.causal() if self.plan.leadership == "largest-now" else smoothing.whole()

    def _leads(self, durations_s: Double) -> Integer:
        """Who leads on each frame, as the plan's leadership says."""
        if self.plan.leadership == "largest-now":
            return self._watcher.leads()
        return leading_tracks(self._watcher.tracks(), durations_s)

    def _timings(self, clip: Clip) -> dict[str, Any]:
        """Seconds in all; the real-time factor, seconds of work per second of the clip; and what the stages cost,
        which overlap.
        """
        seconds = time.perf_counter() - self.started
        factor = seconds / clip.duration_s if clip.duration_s > 0 else 0.0
        return {"seconds": seconds, "real_time_factor": factor, "stages": self.stages.as_dict()}
