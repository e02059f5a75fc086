"""Speech, told from notes and noise by its pitch: made-up sounds."""

from __future__ import annotations

import numpy as np

from avcer.emotion.pitch import PitchTracker
from avcer.emotion.speech import SpeechMeter, shares
from avcer.media import SAMPLE_RATE, SoundWindow
from avcer.media.windows import WindowCutter
from avcer.types import Double, Float

TIME_S: Double = np.arange(4 * SAMPLE_RATE) / SAMPLE_RATE


def tone(pitch_hz: Double, strength: Double) -> Float:
    """Ten harmonics of a pitch that changes with time."""
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE
    sound = sum(np.sin(number * phase) / number for number in range(1, 11))
    return (0.1 * strength * sound).astype(np.float32)


def talking(seed: int = 0) -> Float:
    """Syllables, four a second: the pitch falls and rises, breath between them."""
    hiss = np.random.default_rng(seed).normal(0, 0.004, len(TIME_S))
    pitch = 140 * 2 ** (0.3 * np.sin(2 * np.pi * 1.3 * TIME_S) - 0.1 * (TIME_S % 1.5))
    voiced = np.clip(2 * np.sin(np.pi * 4 * TIME_S), 0, 1) * (TIME_S % 1.9 > 0.3)
    return (tone(pitch, voiced) + hiss).astype(np.float32)


def playing() -> Float:
    """Notes of half a second, one after the other, with an accompaniment that holds."""
    notes = np.array([220.0, 262.0, 330.0, 294.0, 220.0, 196.0, 247.0, 330.0])
    melody = tone(notes[(TIME_S / 0.5).astype(int)], np.exp(-2 * (TIME_S % 0.5)))
    return melody + tone(np.full(len(TIME_S), 110.0), np.full(len(TIME_S), 0.5))


def meter(samples: Float) -> float:
    return SpeechMeter()(SoundWindow(0.0, samples))


def test_speech_is_speech_and_notes_noise_and_hum_are_none() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, len(TIME_S)).astype(np.float32)
    hum = (0.1 * np.sin(2 * np.pi * 100 * TIME_S)).astype(np.float32)
    assert meter(talking()) > 0.8
    for sound in (playing(), noise, hum, np.zeros_like(noise)):
        assert meter(sound) < 0.3


def test_windows_that_overlap_say_what_they_say_alone() -> None:
    sound = np.concatenate([talking(), playing()])
    cutter, running = WindowCutter(), SpeechMeter()
    windows = [*cutter.feed(0.0, sound), *cutter.finish()]
    apart = [SpeechMeter()(window) for window in windows]
    np.testing.assert_allclose([running(window) for window in windows], apart, atol=0.12)
    assert apart[0] > 0.8 > 0.3 > apart[8]


def test_a_window_after_a_hole_forgets_what_was_before() -> None:
    running = SpeechMeter()
    running(SoundWindow(0.0, talking()))
    assert running(SoundWindow(60.0, playing())) == meter(playing())


def test_shares_of_a_glide_and_of_a_held_note() -> None:
    tracker, loud = PitchTracker(), np.ones(len(TIME_S))
    glide = shares(*tracker(tone(120 * 2 ** (0.5 * TIME_S), loud)))
    held = shares(*tracker(tone(np.full(len(TIME_S), 180.0), loud)))
    assert glide[0] > 0.9 > 0.1 > glide[1]
    assert held[1] > 0.9 > 0.1 > held[0]
