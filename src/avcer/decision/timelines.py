"""From what the models said to what is decided, face by face: align -> fuse -> compound -> segments, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from avcer.analysis import FaceAnalysis
from avcer.decision.align import nothing, on_rows, only, take
from avcer.decision.compound import Rule, decide
from avcer.decision.fuse import FusionWeights, fuse, hold_gaps
from avcer.decision.segments import find_segments
from avcer.labels import Vocabulary
from avcer.types import Boolean, Double, EmotionProbabilities, FaceTrack, Integer


@dataclass(frozen=True)
class Judge:
    """How to decide: fusion weights, vocabulary, rule; ``fill_gaps`` holds the last fused row where none is valid."""

    weights: FusionWeights
    vocabulary: Vocabulary
    rule: Rule
    fill_gaps: bool = False

    def face(
        self,
        track: FaceTrack,
        static: Double,
        dynamic: Double,
        audio: EmotionProbabilities,
        ends_s: Double,
    ) -> FaceAnalysis:
        """One face. ``static`` and ``dynamic (N, 7)`` have a row for each seen frame, ``audio`` one for every frame of
        the clip (T of them), and ``ends_s (T,)`` says when each frame gives way to the next.
        """
        frames = np.arange(track.first, track.last + 1)
        laid = (
            on_rows(frames, audio.times_s, track.frames, static, "static"),
            on_rows(frames, audio.times_s, track.frames, dynamic, "dynamic"),
            take(audio, frames),
        )
        return self._decide(track, frames, laid, ends_s)

    def sound_alone(self, frames: Integer, audio: EmotionProbabilities, ends_s: Double) -> FaceAnalysis:
        """The given frames (F of them, rising), on which no face is alive."""
        times_s = audio.times_s[frames]
        laid = nothing(times_s, "static"), nothing(times_s, "dynamic"), take(audio, frames)
        return self._decide(None, frames, laid, ends_s)

    def _decide(
        self,
        track: FaceTrack | None,
        frames: Integer,
        laid: tuple[EmotionProbabilities, EmotionProbabilities, EmotionProbabilities],
        ends_s: Double,
    ) -> FaceAnalysis:
        static, dynamic, audio = laid
        fused = fuse(static, dynamic, audio, self.weights)
        if self.fill_gaps:
            fused = hold_gaps(fused)
        compound = decide(fused.probabilities, self.vocabulary, self.rule, fused.contributions)
        alone = {"VS": static, "VD": dynamic, "A": audio}
        return FaceAnalysis(
            track=track,
            frames=frames,
            static=static,
            dynamic=dynamic,
            audio=audio,
            fused=fused.probabilities,
            compound=compound,
            curves={name: decide(one, self.vocabulary, self.rule) for name, one in alone.items()},
            segments=find_segments(compound, frames, ends_s, None if track is None else track.id),
        )


def decide_all(
    judge: Judge,
    tracks: Sequence[FaceTrack],
    visual: Mapping[int, tuple[Double, Double]],
    audio: EmotionProbabilities,
    leads: Integer | None,
    ends_s: Double,
) -> tuple[FaceAnalysis, ...]:
    """Every face, by id, and at the end the frames without a living face on which sound is valid, if there are any.

    Args:
        judge: how to decide.
        tracks: all tracks.
        visual: track id -> static and dynamic probabilities, each ``(N, 7)``, on the track's seen frames.
        audio: a row for each of the T frames of the clip.
        leads: ``(T,)``, the id of the track that the sound of each frame counts for; None if it counts for all.
        ends_s: ``(T,)``, when each frame gives way to the next.
    """
    faces = []
    for track in tracks:
        heard = audio if leads is None else only(audio, leads == track.id)
        faces.append(judge.face(track, *visual[track.id], heard, ends_s))
    alone = np.flatnonzero(~_alive(tracks, len(audio.times_s)) & audio.valid)
    if len(alone):
        faces.append(judge.sound_alone(alone, audio, ends_s))
    return tuple(faces)


def _alive(tracks: Sequence[FaceTrack], frames: int) -> Boolean:
    alive = np.zeros(frames, dtype=np.bool_)
    for track in tracks:
        alive[track.first : track.last + 1] = True
    return alive
