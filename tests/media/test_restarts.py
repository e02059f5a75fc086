"""Clocks that start again, wrap, or lie far off: sound and picture stay together, and times rise."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from avcer.media import Live, Pictures, frames_at, open_sound, probe
from avcer.media.restarts import JointClock
from avcer.types import Frame
from recordings import AudioTrack, VideoTrack, beep, flashes, on_pes, shift_clock, without_stamps, write

FAR = 36_000 * 90_000


def part(path: Path, frames: int = 40, at: int = 20, seconds: float = 1.6, at_s: float = 0.8, **codecs: str) -> bytes:
    """A recording in which a white picture and a tone come at the same moment."""
    video, audio = codecs.get("video", "mpeg2video"), codecs.get("audio", "mp2")
    tracks = VideoTrack(flashes(frames, at), codec=video), AudioTrack(beep(seconds, at_s), codec=audio)
    return write(path, *tracks).read_bytes()


def moments(path: Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """When the flashes are shown, and when the tones are heard, in seconds."""
    frames = [(frame.time_s, float(frame.image.mean())) for frame in Pictures(path)]
    assert all(later[0] > earlier[0] for earlier, later in pairwise(frames))
    shown = [time_s for time_s, brightness in frames if brightness > 120]
    sound = open_sound(path)
    loud = np.abs(np.concatenate([block.samples for block in sound])) > 0.1
    places = np.flatnonzero(loud)
    first = places[np.diff(places, prepend=-8000) > 4000]
    return np.array(shown), sound.start_s + first / 16_000


def together(path: Path, count: int) -> NDArray[np.float64]:
    shown, heard = moments(path)
    assert len(shown) == len(heard) == count
    np.testing.assert_allclose(shown, heard, atol=0.05)
    return shown


@pytest.mark.parametrize(("frames", "seconds"), [(40, 1.6), (40, 2.3), (55, 1.6)], ids=["even", "sound", "picture"])
def test_joined_parts_stay_together_whatever_is_longer(tmp_path, frames, seconds):
    one = part(tmp_path / "part.ts", frames, seconds=seconds)
    path = tmp_path / "joined.ts"
    path.write_bytes(one * 5)
    shown = together(path, 5)
    np.testing.assert_allclose(np.diff(shown), max(frames / 25, seconds), atol=0.1)
    pictures = Pictures(path)
    assert len(list(pictures)) == 5 * frames
    assert any("start again in 4 places" in line for line in pictures.warnings)
    clip = pictures.measured(probe(path))
    assert clip.duration_s == pytest.approx(5 * max(frames / 25, seconds), abs=0.3)


@pytest.mark.parametrize(
    ("suffix", "video", "audio", "parts"),
    [("mpg", "mpeg2video", "mp2", 3), ("mkv", "mpeg4", "pcm_s16le", 2), ("webm", "libvpx", "libopus", 2)],
)
def test_other_containers_too(tmp_path, suffix, video, audio, parts):
    one = part(tmp_path / f"part.{suffix}", video=video, audio=audio)
    path = tmp_path / f"joined.{suffix}"
    path.write_bytes(one * parts)
    together(path, parts)


def test_clocks_that_jump_ahead_and_back(tmp_path):
    one = part(tmp_path / "part.ts")
    path = tmp_path / "jumps.ts"
    path.write_bytes(one + shift_clock(one, FAR) + one + shift_clock(one, 90_000 * 50))
    together(path, 4)
    pictures = Pictures(path)
    list(pictures)
    assert pictures.measured(probe(path)).duration_s == pytest.approx(6.4, abs=0.4)


def test_a_pause_is_kept(tmp_path):
    one = part(tmp_path / "part.ts")
    path = tmp_path / "pause.ts"
    path.write_bytes(one + shift_clock(one, 90_000 * 6))  # less than the ten seconds of a jump
    shown = together(path, 2)
    assert shown[1] - shown[0] == pytest.approx(6, abs=0.01)


@pytest.mark.parametrize("ticks", [(1 << 33) - 90_000, (1 << 33) - 90_000 * 100, FAR], ids=["wraps", "before", "far"])
def test_a_clock_that_wraps_or_starts_far_off(tmp_path, ticks):
    path = tmp_path / "shifted.ts"
    path.write_bytes(shift_clock(part(tmp_path / "part.ts"), ticks))
    together(path, 1)
    clip = probe(path)
    assert clip.start_s == pytest.approx(next(iter(Pictures(path))).time_s)
    assert clip.duration_s == pytest.approx(1.6, abs=0.1)


@pytest.mark.parametrize("stamps", [5, 27, 38])
@pytest.mark.parametrize("video", ["mpeg2video", "libx264"])
def test_pictures_without_stamps_at_the_head(tmp_path, video, stamps):
    """The first of them counts back from the first that has one."""

    def strip(packet, at, pid, number):
        if packet[at + 3] & 0xF0 == 0xE0 and number < stamps:
            without_stamps(packet, at)

    path = tmp_path / "head.ts"
    path.write_bytes(shift_clock(on_pes(part(tmp_path / "part.ts", video=video), strip), 90_000 * 10))
    shown = together(path, 1)
    times_s = [frame.time_s for frame in Pictures(path)]
    assert times_s[0] == pytest.approx(shown[0] - 0.8, abs=0.001)


def test_sound_without_stamps_at_the_head(tmp_path):
    def strip(packet, at, pid, number):
        if packet[at + 3] & 0xE0 == 0xC0 and number < 3:
            without_stamps(packet, at)

    path = tmp_path / "head.ts"
    path.write_bytes(shift_clock(on_pes(part(tmp_path / "part.ts"), strip), 90_000 * 10))
    together(path, 1)


def test_a_restart_of_the_sound_alone_leaves_the_picture(tmp_path):
    one = part(tmp_path / "part.ts", frames=100, at=90, seconds=4.0, at_s=3.6)

    def back(packet, at, pid, number):
        if packet[at + 3] & 0xE0 == 0xC0 and number > 20:
            from recordings import shifted

            shifted(packet, at, -90_000 // 2)

    path = tmp_path / "sound.ts"
    path.write_bytes(on_pes(one, back))
    plain = tmp_path / "part.ts"
    assert [frame.time_s for frame in Pictures(path)] == [frame.time_s for frame in Pictures(plain)]


def test_a_frame_is_looked_up_on_the_joint_clock(tmp_path):
    """Time stamps do not tell where in such a file a frame is, so that it is decoded instead of sought."""
    one = part(tmp_path / "part.ts", frames=100, at=50, seconds=4.0, at_s=2.0)
    path = tmp_path / "joined.ts"
    path.write_bytes(one * 3)
    shown, _ = moments(path)
    found = list(frames_at(path, [shown[0], shown[2]]))
    assert [time_s for time_s, _ in found] == pytest.approx([shown[0], shown[2]])
    assert all(image.mean() > 120 for _, image in found)


def test_cut_and_pasted_mp4_says_that_only_the_first_is_read(tmp_path):
    one = write(tmp_path / "one.mp4", VideoTrack(flashes(10, 5)))
    path = tmp_path / "joined.mp4"
    path.write_bytes(one.read_bytes() * 2)
    pictures = Pictures(path)
    assert len(list(pictures)) == 10
    assert pictures.warnings == ["the file holds 2 recordings, and only the first is read: split it"]


def test_what_of_a_file_could_not_be_read_is_said(tmp_path):
    one = part(tmp_path / "part.flv", video="flv", audio="pcm_s16le")
    path = tmp_path / "joined.flv"
    path.write_bytes(one * 3)
    pictures = Pictures(path)
    assert len(list(pictures)) == 40
    assert any("the last 67% of the file could not be read" in line for line in pictures.warnings)


def test_pictures_without_any_stamp_are_counted_from_nought(tmp_path):
    def strip(packet, at, pid, number):
        if packet[at + 3] & 0xF0 == 0xE0:
            without_stamps(packet, at)

    path = tmp_path / "none.ts"
    path.write_bytes(on_pes(part(tmp_path / "part.ts"), strip))
    times_s = [frame.time_s for frame in Pictures(path)]
    assert times_s == pytest.approx([number / 25 for number in range(len(times_s))])
    assert len(times_s) == 40
    live = [item.time_s for item in Live(str(path)) if isinstance(item, Frame)]
    assert live == pytest.approx(times_s)


def packet(stream: int, at_s: float, lasts_s: float = 0.5) -> Any:
    at = round(at_s * 1000)
    return SimpleNamespace(
        stream_index=stream, pts=at, dts=at, duration=round(lasts_s * 1000), time_base=Fraction(1, 1000)
    )


def placed(clock: JointClock, *given: tuple[int, float]) -> list[float]:
    """When packets of half a second, given as stream and time, are on the one clock."""
    packets = [packet(stream, at_s) for stream, at_s in given]
    for one in packets:
        clock.place(one)
    assert all(one.pts == one.dts for one in packets)
    return [one.pts / 1000 for one in packets]


def joint(jumps: bool = True) -> JointClock:
    return JointClock(back_s=0.1, jumps=jumps, followed=frozenset((0, 1)))


def test_a_stretch_begins_where_all_before_it_has_ended_and_late_packets_stay_in_their_own():
    clock = joint()
    assert placed(clock, (0, 0.0), (1, 0.0), (0, 0.5), (0, 1.0), (1, 0.5)) == [0, 0, 0.5, 1, 0.5]
    assert clock.sections == 1
    assert placed(clock, (0, 0.0), (1, 1.0), (1, 0.0), (0, 0.5)) == [1.5, 1.0, 1.5, 2.0]
    assert (clock.sections, clock.reached_s) == (2, 2.5)
    assert placed(clock, (1, 0.5), (1, 0.0), (0, 1.0), (0, 0.0)) == [2.0, 2.5, 2.5, 2.5]
    assert clock.sections == 3


@pytest.mark.parametrize(("second_s", "begins_s"), [(0.95, 0.95), (0.85, 1.5), (11.5, 11.5), (11.6, 1.5)])
def test_a_clock_has_started_again_where_it_goes_back_or_jumps_ten_seconds_ahead(second_s, begins_s):
    assert placed(joint(), (0, 1.0), (0, second_s)) == [1.0, begins_s]
    steady = placed(joint(jumps=False), (0, 1.0), (0, second_s))
    assert steady == [1.0, second_s if second_s > 1 else begins_s]


def test_packets_without_a_time_and_of_other_streams_are_left_alone():
    clock = joint()
    placed(clock, (0, 5.0), (0, 0.0))
    assert placed(clock, (7, 0.25)) == [0.25]
    for pts, dts, expected in ((None, None, (None, None)), (None, 500, (None, 6000)), (520, 500, (6020, 6000))):
        one = packet(0, 0.5)
        one.pts, one.dts = pts, dts
        clock.place(one)
        assert (one.pts, one.dts) == expected
    timeless = packet(1, 0.5)
    timeless.time_base = None
    clock.place(timeless)
    assert timeless.pts == 500
