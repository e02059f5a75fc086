"""Sound on the video's clock: where it starts, its holes, its windows."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from avcer.media import Sound, is_silent, open_sound, windows


def tone(seconds: float, rate: int = 16_000, level: float = 0.5) -> NDArray[np.float32]:
    """Stereo ``(2, n)``: a tone left, silence right, so the mean is half of it."""
    left = level * np.sin(2 * np.pi * 500 * np.arange(round(seconds * rate)) / rate)
    return np.stack([left, np.zeros_like(left)]).astype(np.float32)


def heard(sound: Sound) -> NDArray[np.float32]:
    """All samples; checks that the blocks follow each other without a hole."""
    blocks = list(sound)
    assert all(len(block.samples) >= 8000 for block in blocks[:-1])
    samples = np.concatenate([block.samples for block in blocks])
    assert sound.start_s == blocks[0].start_s
    assert sound.end_s == pytest.approx(sound.start_s + len(samples) / 16_000)
    counts = np.cumsum([0, *(len(block.samples) for block in blocks)])[:-1]
    assert [block.start_s for block in blocks] == pytest.approx(list(sound.start_s + counts / 16_000))
    assert samples.dtype == np.float32
    return samples


def test_no_sound_is_none(make_clip):
    assert open_sound(make_clip("mute.mp4", range(5))) is None


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_channels_are_averaged(make_clip, rate):
    sound = open_sound(make_clip("clip.mkv", range(50), sounds=[(0.0, tone(2, rate))], sample_rate=rate))
    samples = heard(sound)
    assert sound.start_s == 0
    assert len(samples) == 32_000
    np.testing.assert_allclose(samples[200:-200], tone(2)[0, 200:-200] / 2, atol=1e-3)


def test_late_sound_starts_late(make_clip):
    sound = open_sound(make_clip("late.mkv", range(75), sounds=[(1.25, tone(1.5))]))
    samples = heard(sound)
    assert sound.start_s == pytest.approx(1.25, abs=1e-3)
    assert sound.end_s == pytest.approx(2.75, abs=1e-3)
    assert not is_silent(samples[:100])


def test_a_hole_is_filled_with_zeros(make_clip):
    sound = open_sound(make_clip("hole.mkv", range(100), sounds=[(0.0, tone(1)), (2.5, tone(1))]))
    samples = heard(sound)
    assert len(samples) == pytest.approx(56_000, abs=16)
    assert is_silent(samples[16_100:39_900])
    np.testing.assert_allclose(samples[40_100:55_000], tone(1)[0, 100:15_000] / 2, atol=0.05)


def test_an_overlap_is_dropped(make_clip):
    sound = open_sound(make_clip("overlap.mkv", range(100), sounds=[(0.0, tone(1)), (0.95, tone(1))]))
    assert len(heard(sound)) == pytest.approx(31_200, abs=16)


def test_jitter_is_neither(make_clip):
    sounds = [(place + 0.012 * (place % 2), tone(1)) for place in range(4)]
    assert len(heard(open_sound(make_clip("jitter.mkv", range(100), sounds=sounds)))) == 64_000


def test_time_stamps_that_start_again_go_on_where_all_has_ended(make_clip):
    once = make_clip("once.ts", range(50), codec="libx264", sounds=[(1.0, tone(2))], audio_codec="mp2")
    twice = once.with_name("twice.ts")
    twice.write_bytes(once.read_bytes() * 2)
    alone, repeated = heard(open_sound(once)), heard(open_sound(twice))
    # sound from 1 s to 3 s, the second time after a second of picture without it
    assert len(repeated) == pytest.approx(2 * len(alone) + 16_000, abs=1500)
    np.testing.assert_allclose(repeated[:30_000], alone[:30_000], atol=1e-3)


def test_windows_of_the_released_code():
    blocks = [(0.0, np.full(80_896, 0.1, np.float32))]
    cut = list(windows(blocks))
    assert [window.start_s for window in cut] == [place / 2 for place in range(11)]
    assert [len(window.samples) for window in cut] == [
        64_000,
        64_000,
        64_000,
        *(80_896 - 8000 * k for k in range(3, 11)),
    ]
    assert cut[-1].end_s == pytest.approx(80_896 / 16_000)


@pytest.mark.parametrize("piece", [1000, 8000, 70_000])
def test_windows_do_not_depend_on_the_blocks(piece: int):
    samples = np.random.default_rng(0).normal(0, 0.1, 100_000).astype(np.float32)
    blocks = [(0.5 + begin / 16_000, samples[begin : begin + piece]) for begin in range(0, len(samples), piece)]
    cut = list(windows(blocks, 2.0, 0.75))
    assert [window.start_s for window in cut] == [0.5 + 0.75 * place for place in range(9)]
    for place, window in enumerate(cut):
        np.testing.assert_array_equal(window.samples, samples[12_000 * place : 12_000 * place + 32_000])


def test_windows_come_as_soon_as_they_are_full():
    def endless():
        for place in range(10**9):
            yield place / 2, np.zeros(8000, np.float32)

    assert next(windows(endless())).start_s == 0


def test_no_sound_no_window():
    assert list(windows([])) == []
    with pytest.raises(ValueError, match="step"):
        next(windows([], 1.0, 2.0))


def test_silence_is_digital_silence():
    assert is_silent(np.zeros(100, np.float32))
    assert is_silent(np.full(100, 3e-5, np.float32))
    assert is_silent(np.zeros(0, np.float32))
    assert not is_silent(np.full(100, 1e-3, np.float32))
