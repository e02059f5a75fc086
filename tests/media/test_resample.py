"""Resampling against the released code's, and against itself in other pieces."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from avcer.media.resample import Resampler


def resample(samples: NDArray[np.float32], rate: int, piece: int) -> NDArray[np.float32]:
    resampler = Resampler(rate, 16_000)
    made = [resampler.feed(samples[begin : begin + piece]) for begin in range(0, len(samples), piece)]
    return np.concatenate([*made, resampler.finish()])


def test_equals_the_released_code(golden: Path):
    with np.load(golden / "resample.npz") as reference:
        made = resample(reference["stereo_44100"].mean(0), 44_100, 1024)
        np.testing.assert_allclose(made, reference["mono_16000"], atol=2e-6)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 44_100, 44_099, 48_000, 96_000])
def test_pieces_make_no_difference_and_tones_stay(rate: int):
    tone = np.sin(2 * np.pi * 440 * np.arange(rate // 2) / rate).astype(np.float32)
    whole = resample(tone, rate, len(tone))
    assert len(whole) == -(-len(tone) * 16_000 // rate)
    np.testing.assert_array_equal(resample(tone, rate, 997), whole)
    expected = np.sin(2 * np.pi * 440 * np.arange(len(whole)) / 16_000)
    np.testing.assert_allclose(whole[100:-100], expected[100:-100], atol=1e-3)


def test_a_click_becomes_a_sinc_of_six_zero_crossings_under_a_hann_window():
    click = np.zeros(80, np.float32)
    click[40] = 1
    away = 0.99 / 2 * np.abs(2 * np.arange(40) - 40)  # in zero crossings of the lower range
    expected = 0.99 / 2 * np.sinc(away) * np.where(away < 6, 0.5 + 0.5 * np.cos(np.pi * away / 6), 0)
    np.testing.assert_allclose(resample(click, 32_000, 7), expected, atol=1e-6)


def test_what_lies_above_the_new_range_is_gone():
    tone = np.sin(2 * np.pi * 12_000 * np.arange(44_100) / 44_100).astype(np.float32)
    assert np.abs(resample(tone, 44_100, 4096)[100:-100]).max() < 0.003


def test_nothing_in_gives_nothing_out():
    assert len(Resampler(44_100, 16_000).finish()) == 0
