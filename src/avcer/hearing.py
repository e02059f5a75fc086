"""Hearing: the sound of a clip, from samples to what the audio model says of every window, and so of every frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from avcer.decision.align import nothing
from avcer.emotion.audio import WINDOW_STEP_S, AudioModel, frame_probabilities
from avcer.emotion.waveform import WINDOW_S
from avcer.media import SAMPLE_RATE, SoundWindow, is_silent, open_sound, windows
from avcer.timing import Stages
from avcer.types import Boolean, Clip, Double, EmotionProbabilities, Float, Progress, no_progress


@dataclass(frozen=True)
class Hearing:
    """What was heard in W windows: ``starts_s``, ``ends_s (W,)``, ``logits (W, K)``, and which are not silence.

    ``warnings`` says what is missing or damaged.
    """

    starts_s: Double
    ends_s: Double
    logits: Float
    usable: Boolean
    warnings: tuple[str, ...] = ()

    def on_frames(self, times_s: Double) -> EmotionProbabilities:
        """The audio probabilities of the frames at ``times_s (T,)``; no value is invented beyond the sound."""
        if not self.usable.any():
            return nothing(times_s, "audio")
        return frame_probabilities(self.starts_s, self.ends_s, self.logits, self.usable, times_s)


@dataclass(frozen=True)
class Windows:
    """What the audio model hears at once: ``length_s`` seconds, every ``step_s``. The default is the source work's."""

    length_s: float = WINDOW_S
    step_s: float = WINDOW_STEP_S


def listen(
    clip: Clip,
    model: AudioModel,
    cut: Windows = Windows(),
    stages: Stages | None = None,
    progress: Progress = no_progress,
    part_s: tuple[float, float] | None = None,
) -> Hearing:
    """Runs the audio model over all windows of a clip's sound that are not silence; or of the part between two times,
    of which nothing before and after is heard.
    """
    stages = stages or Stages()
    sound = open_sound(clip.path) if clip.has_audio else None
    if sound is None:
        return _unheard("the sound cannot be decoded" if clip.has_audio else "there is no sound stream")
    blocks = stages.timed("sound", sound if part_s is None else _between(sound, *part_s))
    spans: list[tuple[float, float]] = []
    rows: list[Float] = []
    expected = int(clip.duration_s / cut.step_s)
    for batch in _batches(windows(blocks, cut.length_s, cut.step_s), model.batch):
        rows.append(_said(batch, model, stages))
        spans += [(window.start_s, window.end_s) for window in batch]
        progress("sound", len(spans), expected)
    if not rows:
        return _unheard("the sound stream is empty")
    starts_s, ends_s = np.array(spans).T
    logits = np.concatenate(rows)
    usable = ~np.isnan(logits[:, 0])
    warnings = [] if usable.any() else ["the sound is digital silence"]
    if sound.damaged:
        warnings.append(f"{sound.damaged} damaged packets of sound were skipped")
    return Hearing(starts_s, ends_s, np.nan_to_num(logits), usable, tuple(warnings))


def _said(batch: Sequence[SoundWindow], model: AudioModel, stages: Stages) -> Float:
    """The model's logits ``(N, classes)``; no numbers for digital silence."""
    logits = np.full((len(batch), model.classes), np.nan, np.float32)
    heard = [number for number, window in enumerate(batch) if not is_silent(window.samples)]
    if heard:
        with stages.stage("audio", len(heard)):
            logits[heard] = model.predict([batch[number].samples for number in heard])
    return logits


def _between(blocks: Iterable[tuple[float, Float]], start_s: float, end_s: float) -> Iterator[tuple[float, Float]]:
    """What of ``blocks`` lies between two times."""
    for begins_s, samples in blocks:
        times_s = begins_s + np.arange(len(samples)) / SAMPLE_RATE
        meant = (times_s >= start_s) & (times_s < end_s)
        if meant.any():
            yield float(times_s[meant][0]), samples[meant]


def _unheard(why: str) -> Hearing:
    nowhere = np.zeros(0)
    return Hearing(nowhere, nowhere, np.zeros((0, 0), np.float32), np.zeros(0, np.bool_), (why,))


def _batches(heard: Iterable[SoundWindow], size: int) -> Iterator[list[SoundWindow]]:
    iterator = iter(heard)
    while batch := list(islice(iterator, size)):
        yield batch
