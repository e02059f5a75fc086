"""On what is surely no speech, and on real speech where the reference material is at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from avcer.evaluation.tables.speech import read_speech
from avcer.media import SAMPLE_RATE
from avcer.training import voice_activity
from avcer.training.voice_activity import speech_spans, speech_windows


def test_silence_and_noise_hold_no_speech() -> None:
    assert speech_spans(np.zeros(SAMPLE_RATE, np.float32)) == []
    noise = 0.01 * np.random.default_rng(0).standard_normal(2 * SAMPLE_RATE).astype(np.float32)
    assert speech_windows(noise, 2.0, 4.0, 2.0) == []


def test_real_speech_is_found(shared: Path) -> None:
    table = read_speech(shared / "data" / "speech" / "emodb.parquet")
    found = [speech_windows(recording, 1.0, 4.0, 2.0) for recording in table.recordings[:20]]
    assert sum(len(windows) >= 1 for windows in found) >= 18
    lengths_s = [len(recording) / SAMPLE_RATE for recording in table.recordings[:20]]
    assert all(0.5 < len(windows[0]) / SAMPLE_RATE <= s for windows, s in zip(found, lengths_s, strict=True) if windows)


def test_threads_stay_as_they_were() -> None:
    before = torch.get_num_threads()
    voice_activity._detector.cache_clear()
    speech_spans(np.zeros(SAMPLE_RATE, np.float32))
    assert torch.get_num_threads() == before


def test_windows_lie_between_first_and_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_activity, "speech_spans", lambda samples: [(16_000, 40_000), (48_000, 128_000)])
    samples = np.arange(160_000, dtype=np.float32)
    found = speech_windows(samples, 2.0, 4.0, 2.0)
    assert [(int(window[0]), len(window)) for window in found] == [(16_000, 64_000), (48_000, 64_000), (80_000, 48_000)]


def test_a_single_word_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(voice_activity, "speech_spans", lambda samples: [(0, 8_000)])
    assert [len(window) for window in speech_windows(np.zeros(20_000, np.float32), 2.0, 4.0, 2.0)] == [8_000]
