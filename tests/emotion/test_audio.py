from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import fakes
from avcer.emotion.audio import AudioModel, frame_probabilities
from avcer.emotion.spectrogram import LogMel
from avcer.emotion.voice import VoiceFrames
from avcer.emotion.waveform import WINDOW, Waveform
from avcer.labels import AUDIO_8, BASIC
from avcer.models.card import ModelCard
from avcer.models.runtime import OpenVINOEngine
from avcer.models.store import find
from avcer.types import Float

SHORT = (2, 3, 4)
"""Windows of ``golden/audio.npz`` that need padding."""


def card(labels: tuple[str, ...] = AUDIO_8, **preprocessing: Any) -> ModelCard:
    return fakes.card("audio", labels, **preprocessing)


def speech_like(seconds: float, seed: int = 0) -> Float:
    """A voice-like buzz, 140 Hz, that comes and goes four times a second."""
    random = np.random.default_rng(seed)
    times = np.arange(round(seconds * 16000)) / 16000
    buzz = sum(np.sin(2 * np.pi * 140 * k * times) / k for k in range(1, 20))
    sound: Float = (0.05 * buzz * np.sin(2 * np.pi * 2 * times) ** 2).astype(np.float32)
    return sound + 1e-4 * random.standard_normal(len(times)).astype(np.float32)


def one_hot(*classes: int, count: int = 7) -> Float:
    return (100 * np.eye(count))[list(classes)].astype(np.float32)


class TestPublishedPreparation:
    def test_zero_mean_and_unit_variance_over_the_whole_window(self) -> None:
        prepared = Waveform()(speech_like(1.0) + np.float32(0.3))
        assert prepared.shape == (WINDOW,)
        assert prepared.dtype == np.float32
        assert prepared.mean() == pytest.approx(0, abs=1e-4)
        assert prepared.std() == pytest.approx(1, abs=1e-3)

    def test_what_is_missing_is_the_mean_or_zero_or_a_repetition(self) -> None:
        samples = speech_like(1.0) + np.float32(0.3)
        assert Waveform()(samples)[16000:] == pytest.approx(0, abs=1e-3)
        zeros, repeated = Waveform("zeros")(samples), Waveform("repeat")(samples)
        assert np.ptp(zeros[16000:]) == 0
        assert zeros[16000] < zeros[:16000].min()
        np.testing.assert_array_equal(repeated[:16000], repeated[48000:])

    def test_the_card_may_name_another_padding(self) -> None:
        samples = speech_like(1.0)
        model = AudioModel(card(padding="repeat"), lambda batch: (batch,))
        np.testing.assert_array_equal(model.prepare(samples), Waveform("repeat")(samples))

    def test_silence_is_finite(self) -> None:
        assert not Waveform()(np.zeros(100, np.float32)).any()


class TestLogMel:
    def test_shape_is_that_of_four_seconds_whatever_the_length(self) -> None:
        for seconds in (0.001, 0.3, 2.0, 4.0):
            spectrogram = LogMel()(speech_like(seconds))
            assert spectrogram.shape == (64, 266)
            assert spectrogram.dtype == np.float32
            assert np.isfinite(spectrogram).all()

    def test_gain_does_not_matter(self) -> None:
        sound = speech_like(3.0)
        np.testing.assert_allclose(LogMel()(sound), LogMel()(sound * np.float32(0.01)), atol=1e-3)

    def test_a_tone_is_where_its_band_is(self) -> None:
        settings = LogMel()
        tone = np.sin(2 * np.pi * 1000 * np.arange(WINDOW) / 16000).astype(np.float32)
        loudest = settings(tone).mean(axis=1).argmax()
        low, high = (2595 * np.log10(1 + hz / 700) for hz in (settings.low_hz, settings.high_hz))
        centres_hz = 700 * (10 ** (np.linspace(low, high, settings.bands + 2)[1:-1] / 2595) - 1)
        assert abs(centres_hz[loudest] - 1000) < 40

    def test_full_scale_is_zero_decibels(self) -> None:
        tone = np.sin(2 * np.pi * 1000 * np.arange(WINDOW) / 16000).astype(np.float32)
        assert -20 < LogMel().decibels(tone).max() <= 0

    def test_a_short_sound_ends_in_floor(self) -> None:
        spectrogram = LogMel()(speech_like(1.0))
        assert np.ptp(spectrogram[:, 70:]) == 0
        assert spectrogram[0, -1] == spectrogram.min()

    def test_digital_silence_is_finite(self) -> None:
        assert np.isfinite(LogMel()(np.zeros(WINDOW, np.float32))).all()


class TestPredict:
    def test_windows_of_any_length_go_in_one_batch(self) -> None:
        seen = []

        def engine(batch: Float) -> tuple[Float, ...]:
            seen.append(batch.shape)
            return (np.zeros((len(batch), 8), np.float32),)

        model = AudioModel(card(), engine)
        assert model.classes == 8
        assert model.predict([speech_like(4.0), speech_like(0.1)]).shape == (2, 8)
        assert seen == [(2, WINDOW)]

    def test_the_engine_says_how_many_windows_it_wants(self) -> None:
        class Wide:
            batch = 16

            def __call__(self, batch: Float) -> tuple[Float, ...]:
                return (batch,)

        assert AudioModel(card(), lambda batch: (batch,)).batch == 4
        assert AudioModel(card(), Wide()).batch == 16

    def test_a_card_with_a_spectrogram_gets_one_and_the_pitch(self) -> None:
        frames = VoiceFrames(LogMel(bands=32))
        model = AudioModel(card(BASIC, **frames.as_dict()), lambda batch: (batch.mean(axis=2)[:, :7],))
        assert model.prepare(speech_like(1.0)).shape == (35, 266)
        assert model.predict([speech_like(1.0)]).shape == (1, 7)


class TestTwoAnswers:
    def test_the_second_is_for_known_speakers(self) -> None:
        windows = [speech_like(1.0), speech_like(2.0)]
        heard = fakes.audio_model(fakes.UpsAndDowns()).hear(windows)
        np.testing.assert_array_equal(heard.logits, fakes.audio_model(fakes.Ups()).predict(windows))
        np.testing.assert_array_equal(heard.relative, fakes.audio_model(fakes.Downs()).predict(windows))

    def test_not_every_model_has_it(self) -> None:
        heard = AudioModel(card(), fakes.Voice(classes=8)).hear([speech_like(1.0)])
        assert (heard.logits.shape, heard.relative.shape) == ((1, 8), (1, 7))
        assert np.isnan(heard.relative).all()


class TestFrames:
    def test_hand_worked(self) -> None:
        """Anger from 0 to 4, Fear from 0.5 to 4.5, Sadness from 1 to the end of the sound at 4.6."""
        starts, ends = np.array([0.0, 0.5, 1.0]), np.array([4.0, 4.5, 4.6])
        times = np.array([0.0, 0.49, 0.5, 4.0, 4.01, 4.55, 4.6, 4.61])
        logits = np.log(one_hot(1, 3, 5) / 100 * 7 + 1)  # one window: 8 against 1; two: sqrt(8) each; three: 2 each
        found = frame_probabilities(starts, ends, logits, np.ones(3, bool), times)
        np.testing.assert_array_equal(found.valid, [1, 1, 1, 1, 1, 1, 1, 0])
        root, third = 8**0.5, 2.0
        expected = {
            0: {1: 8 / 14},
            1: {1: 8 / 14},
            2: {1: root / (2 * root + 5), 3: root / (2 * root + 5)},
            3: {1: third / 10, 3: third / 10, 5: third / 10},
            4: {3: root / (2 * root + 5), 5: root / (2 * root + 5)},
            5: {5: 8 / 14},
            6: {5: 8 / 14},
        }
        for row, values in expected.items():
            for emotion, value in values.items():
                assert found.values[row, emotion] == pytest.approx(value)
        np.testing.assert_allclose(found.values.sum(axis=1), found.valid)
        assert found.source == "audio"

    def test_other_is_dropped_before_the_softmax(self) -> None:
        logits = np.array([[0, 1, 2, 3, 4, 5, 6, 90]], np.float32)
        found = frame_probabilities(np.zeros(1), np.full(1, 4.0), logits, np.ones(1, bool), np.array([1.0]))
        np.testing.assert_allclose(found.values[0], np.exp(np.arange(7)) / np.exp(np.arange(7)).sum())

    def test_silent_windows_say_nothing(self) -> None:
        starts = np.arange(0, 20, 0.5)
        usable = (starts < 2) | (starts >= 16)
        logits = np.full((40, 7), np.nan, np.float32)
        logits[usable] = one_hot(4)
        times = np.arange(0, 21, 0.1)
        found = frame_probabilities(starts, np.minimum(starts + 4, 20.0), logits, usable, times)
        inside = (times <= 5.5 + 1e-9) | ((times >= 16 - 1e-9) & (times <= 20 + 1e-9))
        np.testing.assert_array_equal(found.valid, inside)
        assert (found.values[inside].argmax(axis=1) == 4).all()

    def test_sound_that_starts_late_and_ends_early(self) -> None:
        starts = np.array([1.0, 1.5])
        found = frame_probabilities(starts, np.full(2, 2.0), one_hot(1, 1), np.ones(2, bool), np.arange(0, 4, 0.04))
        assert found.times_s[found.valid][[0, -1]] == pytest.approx([1.0, 2.0])

    def test_no_usable_window(self) -> None:
        found = frame_probabilities(np.zeros(1), np.ones(1), one_hot(0), np.zeros(1, bool), np.arange(3.0))
        assert not found.valid.any()
        assert not found.values.any()

    def test_a_long_clip_agrees_with_the_plain_sum(self) -> None:
        random = np.random.default_rng(0)
        starts = np.arange(0, 1200, 0.5)
        logits = random.normal(0, 3, (len(starts), 8)).astype(np.float32)
        times = np.sort(random.uniform(0, 1203, 30_000))
        ends = np.minimum(starts + 4, 1200)
        found = frame_probabilities(starts, ends, logits, np.ones(len(starts), bool), times)
        for row in range(0, 30_000, 1777):
            over = (starts <= times[row]) & (times[row] <= ends)
            if over.any():
                powers = np.exp(logits[over, :7].astype(float).mean(axis=0))
                np.testing.assert_allclose(found.values[row], powers / powers.sum(), atol=1e-9)

    def test_agrees_with_the_released_rule(self, golden: Path) -> None:
        """It counts whole frames at a whole rate; ours goes by time, so rows at the ends of windows may differ."""
        for folder in sorted((golden / "e2e").iterdir()):
            windows = np.loadtxt(folder / "audio_windows.csv", delimiter=",", skiprows=1)
            expected = np.loadtxt(folder / "audio.csv", delimiter=",", skiprows=1)
            starts, times = windows[:, 0] / 16000, np.arange(len(expected)) / 25
            ends = np.minimum(starts + 4, times[-1] + 0.04)
            found = frame_probabilities(
                starts, ends, windows[:, 1:].astype(np.float32), np.ones(len(starts), bool), times
            )
            difference = np.abs(found.values - expected)
            assert found.valid.all()
            assert difference.mean() < 0.001
            assert np.mean(difference.max(axis=1) < 1e-4) > 0.95


@pytest.mark.slow
def test_published_network_gives_the_golden_logits(golden: Path, stand_in: Any) -> None:
    expected = np.load(golden / "audio.npz")
    engine = stand_in("audio_8cl_v3", "avcer-wav2vec2-8")
    windows = [expected[f"window{index}"] for index in range(5)]
    for name, padding, rows in (("mean", "mean", range(5)), ("constant", "zeros", SHORT), ("repeat", "repeat", SHORT)):
        model = AudioModel(card(padding=padding), engine)
        logits = model.predict([windows[row] for row in rows])
        np.testing.assert_allclose(logits, expected[f"logits_{name}"][list(rows)], atol=1e-3)


@pytest.fixture(scope="module")
def model() -> AudioModel:
    installed = find("mini", "audio")
    return AudioModel(installed.card, OpenVINOEngine(installed, "float32"))


class TestShipped:
    def test_noise_gets_a_nearly_even_guess(self, model: AudioModel) -> None:
        noise = np.random.default_rng(1).normal(0, 0.1, WINDOW).astype(np.float32)
        found = frame_probabilities(
            np.zeros(1), np.full(1, 4.0), model.predict([noise]), np.ones(1, bool), np.array([1.0])
        )
        assert found.values.max() < 0.35

    def test_gain_hardly_matters(self, model: AudioModel) -> None:
        loud, soft = model.predict([speech_like(4.0), speech_like(4.0) * np.float32(0.05)])
        np.testing.assert_allclose(loud, soft, atol=0.02)

    def test_known_speakers_have_an_answer_of_their_own(self, model: AudioModel) -> None:
        heard = model.hear([speech_like(4.0), speech_like(4.0, seed=1)])
        assert heard.relative.shape == (2, 7)
        assert np.abs(heard.relative - heard.logits).max() > 0.1

    def test_unseen_speakers_are_understood_far_above_chance(self, model: AudioModel, shared: Path) -> None:
        right = [model.predict([samples]).argmax() == label for samples, label in _validation_sample(shared)]
        assert len(right) == 60
        assert np.mean(right) > 0.45


def _validation_sample(shared: Path) -> Iterator[tuple[Float, int]]:
    """Every fourth validation recording of RAVDESS: 60 of four unseen speakers."""
    from avcer.evaluation.tables.speech import read_speech, windows

    table = read_speech(shared / "data" / "speech" / "ravdess-00.parquet")
    for row in np.flatnonzero(table.validation)[::4]:
        yield next(windows(table.recordings[row])), int(table.labels[row])
