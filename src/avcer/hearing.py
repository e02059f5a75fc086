"""Hearing: from blocks of sound to the audio model's answer for every window, and so for every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from threading import Lock

import numpy as np

from avcer.decision.align import nothing
from avcer.decision.likely import logarithms
from avcer.emotion.audio import WINDOW_STEP_S, AudioModel, frame_probabilities, trailing_probabilities
from avcer.emotion.speech import SpeechMeter
from avcer.emotion.waveform import WINDOW_S
from avcer.labels import BASIC
from avcer.media import SoundBlock, SoundWindow, WindowCutter, is_silent
from avcer.modalities import AUDIO
from avcer.timing import Stages
from avcer.types import SAME_TIME_S, Boolean, Double, EmotionProbabilities, Float

Heard = Callable[[int], None]
"""Called after each batch with the number of windows that are done."""


@dataclass(frozen=True)
class AudioEvidence:
    """The audio model's answers for W windows: ``starts_s``, ``ends_s (W,)``, ``logits (W, K)`` and ``relative (W, 7)``
    (``AudioOutput``), which windows are ``usable (W,)``, that is, not digital silence, and how likely each is ``speech
    (W,)``.
    """

    starts_s: Double
    ends_s: Double
    logits: Float
    relative: Float
    usable: Boolean
    speech: Double

    def as_relative(self) -> AudioEvidence:
        """The same with the relative logits in the place of the others, for a speaker who is known; of a model without
        them, the same.
        """
        return replace(self, logits=self.relative) if self.has_relative else self

    @property
    def has_relative(self) -> bool:
        """Whether anything is heard, by a model that has relative logits."""
        return bool(self.usable.any()) and not np.isnan(self.relative[self.usable]).any()

    def usual(self, times_s: Double) -> Double | None:
        """The mean of the relative log-probabilities ``(7,)`` over the frames at ``times_s (T,)``, by which a speaker
        is known; None where there is none. In a live session, too, a frame counts with all windows that it lies in.
        """
        if not self.has_relative:
            return None
        said = self.as_relative().on_frames(times_s)
        if not said.valid.any():
            return None
        means: Double = logarithms(said.values[said.valid]).mean(axis=0)
        return means

    def on_frames(self, times_s: Double) -> EmotionProbabilities:
        """The audio probabilities of the frames at ``times_s (T,)``, from all windows that a frame lies in; no value is
        invented beyond the sound.
        """
        if not self.usable.any():
            return nothing(times_s, AUDIO.name)
        return frame_probabilities(self.starts_s, self.ends_s, self.logits, self.usable, times_s, self.speech)

    def trailing(self, times_s: Double, hold_s: float) -> EmotionProbabilities:
        """The same from the past alone: a frame takes the last window that ended no more than ``hold_s`` before it."""
        if not self.usable.any():
            return nothing(times_s, AUDIO.name)
        return trailing_probabilities(self.ends_s, self.logits, self.usable, times_s, hold_s, self.speech)


@dataclass(frozen=True)
class Windows:
    """What the audio model hears at once: ``length_s`` seconds, every ``step_s``. The default is the source work's."""

    length_s: float = WINDOW_S
    step_s: float = WINDOW_STEP_S


class Ear:
    """Takes blocks of sound, cuts them into windows, and runs the audio model on all windows that are not silence.

    Args:
        model: the audio model.
        cut: length and step of the windows.
        stages: where the time goes.
        batch: windows a call; None for as many as the model wants. 1 answers soonest.
        heard: called after each batch.
    """

    def __init__(
        self,
        model: AudioModel,
        cut: Windows = Windows(),
        stages: Stages | None = None,
        batch: int | None = None,
        heard: Heard = lambda count: None,
    ) -> None:
        self._model = model
        self._cutter = WindowCutter(cut.length_s, cut.step_s)
        self._stages = stages or Stages()
        self._size = batch or model.batch
        self._heard = heard
        self._waiting: list[SoundWindow] = []
        self._parts: list[AudioEvidence] = []
        self._count = 0
        self._meter = SpeechMeter()
        self._lock = Lock()
        self.finished = False

    def hear(self, block: SoundBlock) -> None:
        """Takes the next block, mono at 16 kHz, in the order of time; see ``WindowCutter.feed``."""
        for window in self._cutter.feed(block.start_s, block.samples):
            self._add(window)

    def finish(self) -> None:
        """Works off what is waiting; no more sound comes."""
        for window in self._cutter.finish():
            self._add(window)
        if self._waiting:
            self._classify()
        self.finished = True

    @property
    def settled_s(self) -> float:
        """Up to where no later sound can change what ``AudioEvidence.on_frames`` says of a frame."""
        if self.finished:
            return np.inf
        return float(self._parts[-1].starts_s[-1]) - SAME_TIME_S if self._parts else -np.inf

    def evidence(self, last: int | None = None) -> AudioEvidence:
        """All answers so far, or those of the ``last`` so many windows; from any thread."""
        with self._lock:
            parts = self._parts[-(last or 0) :]  # a part has one window at least
        if not parts:
            nowhere = np.zeros(0)
            nothing_said = np.zeros((0, 0), np.float32)
            return AudioEvidence(nowhere, nowhere, nothing_said, nothing_said, np.zeros(0, np.bool_), nowhere)
        rows = {name: [getattr(part, name) for part in parts] for name in vars(parts[0])}
        return AudioEvidence(**{name: np.concatenate(arrays)[-(last or 0) :] for name, arrays in rows.items()})

    def _add(self, window: SoundWindow) -> None:
        self._waiting.append(window)
        if len(self._waiting) == self._size:
            self._classify()

    def _classify(self) -> None:
        """Runs the model on the waiting windows; digital silence has no numbers."""
        windows, self._waiting = self._waiting, []
        logits = np.zeros((len(windows), self._model.classes), np.float32)
        relative = np.zeros((len(windows), len(BASIC)), np.float32)
        usable = np.array([not is_silent(window.samples) for window in windows])
        if usable.any():
            with self._stages.stage("audio", int(usable.sum())):
                heard = self._model.hear([windows[number].samples for number in np.flatnonzero(usable)])
            logits[usable], relative[usable] = heard.logits, heard.relative
        with self._stages.stage("speech", len(windows)):
            speech = np.array([self._meter(window) for window in windows])
        starts_s, ends_s = np.array([(window.start_s, window.end_s) for window in windows]).T
        with self._lock:
            self._parts.append(AudioEvidence(starts_s, ends_s, logits, relative, usable, speech))
        self._count += len(windows)
        self._heard(self._count)


def hear_all(blocks: Iterable[SoundBlock], ear: Ear) -> AudioEvidence:
    """Feeds a whole sound and finishes."""
    for block in blocks:
        ear.hear(block)
    ear.finish()
    return ear.evidence()
