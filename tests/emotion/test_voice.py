from __future__ import annotations

import numpy as np
import pytest

from avcer.emotion.pitch import PitchTracker
from avcer.emotion.spectrogram import LogMel, powers
from avcer.emotion.voice import VoiceFrames
from avcer.types import Float

RATE = 16000


def voice(hertz: float, seconds: float = 1.0, overtones: int = 8) -> Float:
    """A buzz: each overtone a little fainter than the one before."""
    times = np.arange(int(seconds * RATE)) / RATE
    parts = [np.sin(2 * np.pi * hertz * k * times) / k for k in range(1, overtones + 1)]
    return (0.1 * np.sum(parts, axis=0)).astype(np.float32)


class TestPitch:
    @pytest.mark.parametrize("hertz", [75, 110, 220, 331, 450])
    @pytest.mark.parametrize("overtones", [1, 8])
    def test_of_a_steady_voice(self, hertz: float, overtones: int) -> None:
        octaves, strength = PitchTracker()(voice(hertz, overtones=overtones))
        inner = slice(3, -3)
        np.testing.assert_allclose(100 * 2 ** octaves[inner], hertz, rtol=0.01)
        assert strength[inner].min() > 0.95

    def test_follows_a_glide(self) -> None:
        hertz = np.linspace(100, 200, RATE)
        glide = np.sin(2 * np.pi * np.cumsum(hertz) / RATE).astype(np.float32)
        octaves, _ = PitchTracker()(glide)
        middles = 200 + 240 * np.arange(len(octaves))
        np.testing.assert_allclose(100 * 2 ** octaves[3:-3], hertz[middles[3:-3]], rtol=0.02)

    def test_a_missing_fundamental_is_heard(self) -> None:
        times = np.arange(RATE) / RATE
        sound = sum(np.sin(2 * np.pi * 150 * k * times) for k in (2, 3, 4)).astype(np.float32)
        octaves, _ = PitchTracker()(sound)
        np.testing.assert_allclose(100 * 2 ** octaves[3:-3], 150, rtol=0.01)

    def test_noise_has_little_of_it(self) -> None:
        noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
        _, strength = PitchTracker()(noise)
        assert np.median(strength) < 0.4

    def test_silence_and_a_click_are_finite(self) -> None:
        for sound in (np.zeros(RATE, np.float32), np.ones(1, np.float32), np.zeros(0, np.float32)):
            octaves, strength = PitchTracker()(sound)
            assert np.isfinite(octaves).all()
            assert np.isfinite(strength).all()

    def test_frames_are_those_of_the_spectrogram(self) -> None:
        for length in (400, 639, 640, 5000, 64_000):
            octaves, _ = PitchTracker()(voice(200)[:length] if length <= RATE else voice(200, 4.0))
            assert len(octaves) == 1 + (length - 400) // 240


class TestVoiceFrames:
    def test_gain_does_not_matter(self) -> None:
        sound = voice(180, 2.0)
        np.testing.assert_allclose(VoiceFrames()(sound), VoiceFrames()(0.01 * sound), atol=2e-3)

    def test_rows_are_bands_pitch_voicing_loudness(self) -> None:
        rows = VoiceFrames()(voice(200, 2.0))
        assert rows.shape == (67, 266)
        assert 100 * 2 ** rows[64, 50] == pytest.approx(200, rel=0.01)
        assert rows[65, 50] == pytest.approx(1, abs=0.05)
        assert rows[66, :120].max() == 0

    def test_after_the_sound_there_is_nothing(self) -> None:
        rows = VoiceFrames()(voice(200, 1.0))
        assert not rows[64:66, 100:].any()
        assert (rows[66, 100:] == rows[66].min()).all()
        np.testing.assert_allclose(VoiceFrames().nothing(rows[np.newaxis])[0], rows[:, -1])

    def test_a_card_keeps_the_constants(self) -> None:
        frames = VoiceFrames(LogMel(bands=40), PitchTracker(lowest_hz=80))
        assert VoiceFrames.of_card(frames.as_dict()) == frames


@pytest.mark.parametrize(("count", "size"), [(400, 512), (512, 512), (3, 8)])
def test_power_spectra_are_those_of_numpy(count: int, size: int) -> None:
    frames = np.random.default_rng(0).standard_normal((5, count)).astype(np.float32)
    expected = np.square(np.abs(np.fft.rfft(frames, size)))
    np.testing.assert_allclose(powers(frames, size), expected, rtol=1e-3, atol=1e-4)
