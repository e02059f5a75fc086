"""Sound put together from decoded pieces: holes, overlaps, spans, and channels that cancel each other."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import cast

import av
import numpy as np
import pytest

from avcer.media.assemble import Assembler
from avcer.media.mono import channels_of, mono
from avcer.media.windows import WindowCutter
from avcer.types import Float

RATE = 16_000
Piece = tuple[float | None, Float]


def count(samples: int, first: int = 1) -> Float:
    """One channel whose samples tell their number."""
    return (np.arange(first, first + samples, dtype=np.float32) / 100_000)[np.newaxis]


def numbers(samples: Float) -> list[int]:
    return np.round(100_000 * samples).astype(int).tolist()


def put(pieces: Sequence[Piece], **span: float) -> tuple[Assembler, Float]:
    """What becomes of pieces at 16 kHz; checks that the blocks follow each other."""
    assembler = Assembler(**span)
    blocks = [block for time_s, channels in pieces for block in assembler.feed(time_s, RATE, channels)]
    blocks += assembler.finish()
    if not blocks:
        return assembler, np.zeros(0, np.float32)
    samples = np.concatenate([block.samples for block in blocks])
    at = np.cumsum([0, *(len(block.samples) for block in blocks)])
    assert [block.start_s for block in blocks] == pytest.approx([assembler.start_s + one / RATE for one in at[:-1]])
    assert assembler.end_s == pytest.approx(assembler.start_s + len(samples) / RATE)
    assert all(len(block.samples) >= RATE // 2 for block in blocks[:-1])
    return assembler, samples


def test_pieces_go_on_whether_they_have_a_time_or_not() -> None:
    assembler, samples = put([(2.0, count(5000)), (None, count(5000, 5001)), (2.625, count(9000, 10_001))])
    assert numbers(samples) == list(range(1, 19_001))
    assert assembler.start_s == 2.0


def test_a_sound_without_any_time_begins_at_nought() -> None:
    assembler, samples = put([(None, count(100)), (None, count(100, 101))])
    assert (assembler.start_s, numbers(samples)) == (0.0, list(range(1, 201)))


@pytest.mark.parametrize(("late", "zeros"), [(300, 0), (320, 320), (400, 400), (40_000, 40_000)])
def test_a_hole_of_twenty_milliseconds_or_more_is_silence(late: int, zeros: int) -> None:
    _, samples = put([(0.0, count(1000)), ((1000 + late) / RATE, count(1000, 1001))])
    assert numbers(samples) == [*range(1, 1001), *[0] * zeros, *range(1001, 2001)]


@pytest.mark.parametrize(("early", "dropped"), [(300, 0), (320, 320), (500, 500), (15_999, 15_999), (16_001, 0)])
def test_what_overlaps_the_sound_before_is_dropped_unless_the_clock_has_started_again(early: int, dropped: int) -> None:
    _, samples = put([(0.0, count(20_000)), ((20_000 - early) / RATE, count(18_000, 20_001))])
    assert numbers(samples) == [*range(1, 20_001), *range(20_001 + dropped, 38_001)]


@pytest.mark.parametrize("piece", [100, 1600, 40_000])
def test_a_span_is_cut_to_the_sample_however_the_pieces_lie(piece: int) -> None:
    pieces: list[Piece] = [(1 + at / RATE, count(min(piece, 40_000 - at), at + 1)) for at in range(0, 40_000, piece)]
    assembler, samples = put(pieces, begin_s=1 + 12_345 / RATE, until_s=1 + 33_333 / RATE)
    assert numbers(samples) == list(range(12_346, 33_334))
    assert assembler.start_s == pytest.approx(1 + 12_345 / RATE)


def test_a_span_in_which_there_is_no_sound_is_empty() -> None:
    for span in ({"until_s": 1.0}, {"begin_s": 1.5}):
        assembler, samples = put([(1.0, count(8000))], **span)
        assert not len(samples)
        assert (assembler.start_s, assembler.end_s) == (None, None)


def test_sound_whose_rate_or_channels_change_goes_on_without_a_hole() -> None:
    times = np.arange(24_000) / 24_000
    tone = 0.5 * np.sin(2 * np.pi * 300 * times).astype(np.float32)
    assembler = Assembler()
    blocks = [*assembler.feed(0.0, 24_000, tone[np.newaxis])]
    blocks += assembler.feed(1.0, RATE, np.stack([tone[:RATE], tone[:RATE]]))
    blocks += assembler.feed(2.0, RATE, tone[np.newaxis, :RATE])
    blocks += assembler.finish()
    samples = np.concatenate([block.samples for block in blocks])
    assert len(samples) == pytest.approx(3 * RATE, abs=2)
    expected = 0.5 * np.sin(2 * np.pi * 300 * np.arange(RATE) / RATE)
    np.testing.assert_allclose(samples[100 : RATE - 100], expected[100:-100], atol=2e-3)
    np.testing.assert_allclose(samples[-RATE:], tone[:RATE], atol=1e-6)


def test_channels_are_judged_by_half_seconds_and_not_by_a_codecs_frames() -> None:
    """A moment in which they happen to cancel each other is no reason to drop one."""
    random = np.random.default_rng(0)
    left, right = random.uniform(-0.4, 0.4, (2, 16_000)).astype(np.float32)
    right[4000:4160] = -left[4000:4160]
    both = np.stack([left, right])
    assembler, samples = put([(at / RATE, both[:, at : at + 160]) for at in range(0, 16_000, 160)])
    np.testing.assert_allclose(samples, both.mean(axis=0), atol=1e-6)
    assert not assembler.cancelled
    assembler, samples = put([(0.0, np.stack([left, -0.9 * left]))])
    np.testing.assert_allclose(samples, left, atol=1e-6)
    assert assembler.cancelled


@pytest.mark.parametrize(
    ("shares", "strongest"),
    [((1, -0.62), False), ((1, -0.64), True), ((0.64, -1), True), ((1, -0.62, 0), False), ((1, -0.64, 0), True)],
)
def test_channels_cancel_where_less_than_a_tenth_of_their_energy_is_left(
    shares: tuple[float, ...], strongest: bool
) -> None:
    """A tenth of what unrelated channels would leave: (1 - 0.63)^2 of 1 + 0.63^2."""
    channels = np.outer(shares, np.sin(np.arange(800) / 5)).astype(np.float32)
    heard, cancelled = mono(channels)
    assert cancelled is strongest
    np.testing.assert_allclose(
        heard, channels[np.abs(shares).argmax()] if strongest else channels.mean(axis=0), atol=1e-6
    )


def test_sound_that_overshoots_at_its_edges_stays_within_full_scale() -> None:
    """As resampling makes loud edges; where the rate changes, and at the end, too."""
    for sign in (1, -1):
        assembler = Assembler()
        edges = (sign * np.where(np.arange(30_000) % 200 < 100, 1, -1)[np.newaxis]).astype(np.float32)
        blocks = [block for rate in (44_100, 48_000) for block in assembler.feed(None, rate, edges[:, :29_950])]
        samples = np.concatenate([block.samples for block in (*blocks, *assembler.finish())])
        assert np.abs(samples).max() == 1.0


def test_channels_of_a_pause_are_not_judged() -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, 8000).astype(np.float32)
    for level, judged in ((1e-4, False), (5e-3, True)):
        assert mono(level * np.stack([noise, -noise]))[1] is judged


@pytest.mark.parametrize(
    ("kind", "stored", "heard"),
    [
        ("u8", np.array([[0, 128, 192]], np.uint8), [-1, 0, 0.5]),
        ("s16", np.array([[-32768, 0, 16384]], np.int16), [-1, 0, 0.5]),
        ("s32p", np.array([[-(2**31), 0, 2**30]], np.int32), [-1, 0, 0.5]),
        ("fltp", np.array([[-3.0, np.nan, np.inf]], np.float32), [-1, 0, 0]),
        ("dblp", np.array([[-0.25, -np.inf, 2.0]], np.float64), [-0.25, 0, 1]),
    ],
)
def test_samples_of_every_format_are_of_full_scale_1(kind: str, stored: np.ndarray, heard: list[float]) -> None:
    frame = av.AudioFrame.from_ndarray(stored, format=kind, layout="mono")
    np.testing.assert_allclose(channels_of(frame), [heard], atol=1e-6)


def test_interleaved_channels_are_told_apart() -> None:
    frame = av.AudioFrame.from_ndarray(np.array([[8192, -8192, 16384, 0]], np.int16), format="s16", layout="stereo")
    np.testing.assert_allclose(channels_of(frame), [[0.25, 0.5], [-0.25, 0]])


def cut(blocks: Sequence[tuple[float, Float]]) -> tuple[list[float], Float]:
    """Starts of windows of a second that do not overlap, and their samples one after the other."""
    cutter = WindowCutter(1.0, 1.0)
    found = [window for start_s, samples in blocks for window in cutter.feed(start_s, samples)]
    end_s = cutter.end_s
    found += cutter.finish()
    assert end_s == pytest.approx(found[-1].end_s)
    return [window.start_s for window in found], np.concatenate([window.samples for window in found])


@pytest.mark.parametrize(("late", "zeros"), [(300, 0), (330, 330), (50_000, 50_000)])
def test_windows_take_a_hole_between_two_blocks_for_silence(late: int, zeros: int) -> None:
    starts, samples = cut([(3.0, count(20_000)[0]), (3 + (20_000 + late) / RATE, count(20_000, 20_001)[0])])
    assert numbers(samples) == [*range(1, 20_001), *[0] * zeros, *range(20_001, 40_001)]
    assert starts == pytest.approx([3.0 + place for place in range(len(starts))])


@pytest.mark.parametrize(("early", "dropped"), [(300, 0), (330, 330), (15_000, 15_000)])
def test_windows_drop_what_overlaps_the_block_before(early: int, dropped: int) -> None:
    _, samples = cut([(3.0, count(20_000)[0]), (3 + (20_000 - early) / RATE, count(20_000, 20_001)[0])])
    assert numbers(samples) == [*range(1, 20_001), *range(20_001 + dropped, 40_001)]


def test_a_cutter_that_was_given_nothing_ends_nowhere() -> None:
    cutter = WindowCutter()
    assert cutter.end_s is None
    assert list(cutter.finish()) == []


def test_a_long_hole_costs_little_and_shifts_nothing() -> None:
    """A computer that slept for years, or a clock that jumped: sound goes on at its own time."""
    cutter, sound = WindowCutter(), np.ones(RATE, np.float32)
    cut = [*cutter.feed(0.0, sound), *cutter.feed(1e8 + 0.25, sound), *cutter.finish()]
    assert len(cut) < 200
    assert all(window.start_s % 0.5 == 0 for window in cut)
    loud = [window.start_s + place / RATE for window in cut for place in np.flatnonzero(window.samples)]
    assert min(time_s for time_s in loud if time_s > 1) == pytest.approx(1e8 + 0.25)
    assert max(loud) == pytest.approx(1e8 + 1.25, abs=1e-3)
    assert cut[-1].end_s == pytest.approx(1e8 + 1.25)


def test_planes_that_are_not_there_are_not_read() -> None:
    """PyAV counts 59 planes in a damaged frame of 40 channels; the ones beyond lie outside of its memory."""
    planes = [np.full(8, share, np.float32) for share in (0.25, -0.5)]

    def crashes() -> None:
        raise AssertionError("the process would end")

    frame = SimpleNamespace(
        format=SimpleNamespace(is_planar=True, name="fltp"), layout=SimpleNamespace(nb_channels=2), samples=4,
        planes=[*planes, None], to_ndarray=crashes,
    )  # fmt: skip
    assert channels_of(cast(av.AudioFrame, frame)).tolist() == [[0.25] * 4, [-0.5] * 4]
