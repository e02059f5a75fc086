"""From what the modalities said to what is decided, face by face: align -> fuse -> decide -> segments, in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from avcer.analysis import FaceAnalysis
from avcer.decision.align import nothing, on_rows, only, take
from avcer.decision.policy import Policy
from avcer.decision.segments import find_segments
from avcer.types import Boolean, Double, EmotionProbabilities, FaceTrack, Integer


def decide_all(
    policy: Policy,
    tracks: Sequence[FaceTrack],
    of_faces: Mapping[int, Mapping[str, Double]],
    of_clip: Mapping[str, EmotionProbabilities],
    leads: Integer | None,
    times_s: Double,
    ends_s: Double,
    mouths: Mapping[int, Double] | None = None,
) -> tuple[FaceAnalysis, ...]:
    """Every face, by id; and last the frames without a living face on which the clip's own modalities are valid.

    Args:
        policy: how to decide.
        tracks: all tracks.
        of_faces: track id -> modality -> probabilities ``(N, 7)`` on the track's seen frames.
        of_clip: modality -> what it says, a row for each of the T frames of the clip.
        leads: ``(T,)``, the id of the track that the clip's modalities count for on each frame; None: for all tracks.
        times_s, ends_s: ``(T,)``, when each frame is shown, and when it gives way to the next.
        mouths: track id -> how much its mouth moves on the track's seen frames ``(N,)``; None where that is not known.
    """
    faces = []
    for track in tracks:
        meant = of_clip
        if leads is not None:
            meant = {name: only(part, leads == track.id) for name, part in of_clip.items()}
        mouth = None if mouths is None else mouths[track.id]
        faces.append(decide_face(policy, track, of_faces[track.id], meant, times_s, ends_s, mouth))
    alone = np.flatnonzero(~_alive(tracks, len(ends_s)) & _anything(of_clip, len(ends_s)))
    if len(alone):
        faces.append(decide_without_face(policy, alone, of_clip, times_s, ends_s))
    return tuple(faces)


def decide_face(
    policy: Policy,
    track: FaceTrack,
    of_face: Mapping[str, Double],
    of_clip: Mapping[str, EmotionProbabilities],
    times_s: Double,
    ends_s: Double,
    mouth: Double | None = None,
) -> FaceAnalysis:
    """One face, from its first to its last frame; arguments as for ``decide_all``."""
    frames = np.arange(track.first, track.last + 1)
    said = {}
    for name in policy.weights.names:
        if name in of_face:
            said[name] = on_rows(frames, times_s, track.frames, of_face[name], name, mouth)
        else:
            said[name] = take(of_clip[name], frames)
    return _decided(policy, track, frames, said, ends_s)


def decide_without_face(
    policy: Policy, frames: Integer, of_clip: Mapping[str, EmotionProbabilities], times_s: Double, ends_s: Double
) -> FaceAnalysis:
    """The given frames (F of them, rising), on which no face is alive."""
    heard = {name: take(part, frames) for name, part in of_clip.items()}
    said = {name: heard.get(name) or nothing(times_s[frames], name) for name in policy.weights.names}
    return _decided(policy, None, frames, said, ends_s)


def _decided(
    policy: Policy,
    track: FaceTrack | None,
    frames: Integer,
    said: Mapping[str, EmotionProbabilities],
    ends_s: Double,
) -> FaceAnalysis:
    decided, face = policy.decide(said), None if track is None else track.id
    return FaceAnalysis(
        track=track,
        frames=frames,
        said=said,
        fused=decided.fused,
        expression=decided.expression,
        curves=policy.curves(said),
        segments=find_segments(decided.expression, frames, ends_s, face, policy.least_segment_s),
    )


def _anything(of_clip: Mapping[str, EmotionProbabilities], frames: int) -> Boolean:
    """``(T,)``: where any of them says something."""
    found = np.zeros(frames, dtype=np.bool_)
    for part in of_clip.values():
        found |= part.valid
    return found


def _alive(tracks: Sequence[FaceTrack], frames: int) -> Boolean:
    alive = np.zeros(frames, dtype=np.bool_)
    for track in tracks:
        alive[track.first : track.last + 1] = True
    return alive
