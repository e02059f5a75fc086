"""Where a clip starts and how long it is, whatever its header or its other tracks say; and what is no damage."""

from __future__ import annotations

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from avcer.media import Pictures, open_sound, probe
from avcer.types import Clip
from recordings import AudioTrack, VideoTrack, grey, remuxed_with_subtitle, tone, write

PICTURES = [grey(number) for number in range(50)]
VIDEO = VideoTrack(PICTURES)
LATE = replace(VIDEO, ticks=range(125, 175))


def read(path: Path) -> tuple[Clip, Clip, list[str]]:
    """What is known before, after, and what is said."""
    clip, pictures = probe(path), Pictures(path)
    for _ in pictures:
        pass
    return clip, pictures.measured(clip), pictures.warnings


@pytest.mark.parametrize(
    ("name", "video", "audio"),
    [
        ("clip.mkv", "mpeg4", "pcm_s16le"),
        ("clip.mp4", "mpeg4", "aac"),
        ("clip.webm", "libvpx", "libopus"),
        ("clip.flv", "flv", "pcm_s16le"),
        ("clip.ts", "mpeg2video", "mp2"),
        ("clip.nut", "mpeg4", "pcm_s16le"),
    ],
)
def test_a_late_start_is_no_cut(tmp_path, name, video, audio):
    late = replace(LATE, codec=video)
    clip, measured, warnings = read(write(tmp_path / name, late, AudioTrack(tone(2), audio, start_s=5.0)))
    assert warnings == []
    assert clip.duration_s == pytest.approx(2, abs=0.1)
    assert measured.duration_s == pytest.approx(2, abs=0.1)
    assert clip.start_s == pytest.approx(5, abs=0.1)


def test_a_cut_is_seen_in_avi_where_the_count_of_frames_tells(tmp_path):
    path = write(tmp_path / "clip.avi", VIDEO, AudioTrack(tone(2)))
    stored = path.read_bytes()
    path.write_bytes(stored[: len(stored) // 2])
    _, _, warnings = read(path)
    assert "of about 50 frames" in warnings[0]


@pytest.mark.parametrize("name", ["clip.mkv", "clip.mp4"])
def test_a_cut_is_seen_in_a_clip_that_starts_late(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 255, (100, 48, 64, 3), dtype=np.uint8)
    path = write(tmp_path / name, VideoTrack(list(noise), "mjpeg", ticks=range(125, 225)), movflags="faststart")
    stored = path.read_bytes()
    path.write_bytes(stored[: len(stored) // 2])
    _, measured, warnings = read(path)
    (warning,) = [line for line in warnings if "cut short" in line]
    assert "of about 100 frames could be decoded" in warning
    assert measured.duration_s < 3


@pytest.mark.parametrize("name", ["clip.mkv", "clip.mp4"])
def test_a_cut_says_how_many_frames_there_should_be(tmp_path, name):
    noise = np.random.default_rng(0).integers(0, 255, (60, 48, 64, 3), dtype=np.uint8)
    path = write(tmp_path / name, VideoTrack(list(noise), "mjpeg"), **{"movflags": "faststart"} if "4" in name else {})
    stored = path.read_bytes()
    path.write_bytes(stored[: len(stored) // 2])
    (warning,) = read(path)[2]
    assert "of about 60 frames could be decoded" in warning
    assert warning.endswith("s of 2.4 s)")


def test_sound_that_leads_is_where_a_player_starts(tmp_path):
    late = replace(VIDEO, ticks=range(25, 75))
    clip, _, _ = read(write(tmp_path / "clip.mkv", late, AudioTrack(tone(3))))
    assert clip.start_s == 0
    clip, _, _ = read(write(tmp_path / "clip.mkv", replace(VIDEO, ticks=range(2, 52)), AudioTrack(tone(3))))
    assert clip.start_s == pytest.approx(0.08)


def test_times_below_zero(tmp_path):
    early = replace(VIDEO, ticks=range(-30, 20))
    sound = AudioTrack(tone(2), start_s=-1.2)
    path = write(tmp_path / "clip.mkv", early, sound, avoid_negative_ts="disabled")
    clip, measured, warnings = read(path)
    assert clip.start_s == pytest.approx(-1.2)
    assert measured.duration_s == pytest.approx(2, abs=0.01)
    assert warnings == []
    heard = open_sound(path)
    list(heard)
    assert heard.start_s == pytest.approx(-1.2)


def test_a_long_subtitle_is_not_the_length_of_the_clip(tmp_path):
    source = write(tmp_path / "clip.mkv", VIDEO, AudioTrack(tone(2)))
    clip, measured, warnings = read(remuxed_with_subtitle(source, tmp_path / "subtitled.mkv", 600))
    assert clip.duration_s in (0.0, pytest.approx(2, abs=0.1))
    assert measured.duration_s == pytest.approx(2, abs=0.1)
    assert warnings == []


def test_a_subtitle_beside_a_clip_that_starts_late_does_not_change_its_length(tmp_path):
    source = write(tmp_path / "clip.mkv", LATE, AudioTrack(tone(2), start_s=5.0))
    clip, measured, _ = read(remuxed_with_subtitle(source, tmp_path / "subtitled.mkv", 600))
    assert (clip.start_s, clip.duration_s) == pytest.approx((5, 2), abs=0.1)
    assert measured.duration_s == pytest.approx(2, abs=0.1)


def test_a_length_guessed_from_a_bit_rate_is_not_believed(tmp_path):
    """A Matroska file without a stated length, as of a recorder that was switched off, with a stated bit rate."""
    path = write(tmp_path / "clip.mkv", replace(VIDEO, codec="mpeg2video"), AudioTrack(tone(2)))
    stored = path.read_bytes()
    at = stored.index(b"\x44\x89\x88")  # Duration, eight bytes
    path.write_bytes(stored[:at] + b"\xec\x89" + bytes(9) + stored[at + 11 :])  # nothing, of the same size
    _, measured, warnings = read(path)
    assert measured.duration_s == pytest.approx(2, abs=0.1)
    assert warnings == []


def test_a_length_that_is_much_too_long_is_a_cut_and_is_measured(tmp_path):
    path = write(tmp_path / "clip.mkv", VIDEO, AudioTrack(tone(2)))
    stored = path.read_bytes()
    at = stored.index(b"\x44\x89\x88")
    path.write_bytes(stored[: at + 3] + struct.pack(">d", 90_000.0) + stored[at + 11 :])
    clip, measured, warnings = read(path)
    assert (clip.duration_s, measured.duration_s) == pytest.approx((90, 2), abs=0.1)
    assert "cut short" in warnings[0]


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
@pytest.mark.parametrize(("start_s", "end_s", "lasts_s"), [(None, 1.0, 1.0), (None, 2.5, 2.5), (1.0, 3.0, 2.0)])
def test_a_part_of_varying_rate_ends_with_the_next_frame_or_where_it_was_cut(tmp_path, name, start_s, end_s, lasts_s):
    """25 frames a second for a second, then one a second."""
    ticks = [*range(25), 25, 50, 75, 100]
    path = write(tmp_path / name, VideoTrack(PICTURES[: len(ticks)], ticks=ticks))
    pictures = Pictures(path, start_s, end_s)
    assert list(pictures)
    assert pictures.measured(probe(path)).duration_s == pytest.approx(lasts_s, abs=0.002)


def test_the_last_part_of_varying_rate_ends_with_the_clip(tmp_path):
    """One frame a second for four seconds, then 25: the last frame does not last as long as the mean one."""
    ticks = [0, 25, 50, 75, *range(100, 110)]
    path = write(tmp_path / "clip.mp4", VideoTrack(PICTURES[: len(ticks)], ticks=ticks), AudioTrack(tone(4.4)))
    pictures, clip = Pictures(path, 3.5), probe(path)
    assert 1 / clip.average_rate > 0.2
    assert [frame.time_s for frame in pictures] == pytest.approx(np.arange(100, 110) / 25)
    assert pictures.measured(clip).duration_s == pytest.approx(clip.start_s + clip.duration_s - 4.0, abs=0.002)


def test_a_part_does_not_last_longer_than_it_was_cut(tmp_path):
    path = write(tmp_path / "clip.mp4", VIDEO, AudioTrack(tone(4), "aac"))
    pictures = Pictures(path, None, 3.0)
    assert len(list(pictures)) == 50
    assert pictures.measured(probe(path)).duration_s == pytest.approx(3.0)


@pytest.mark.parametrize("rate", [Fraction(30), Fraction(50), Fraction(24_000, 1001)])
@pytest.mark.parametrize(
    ("name", "codec"),
    [("raw.h264", "libx264"), ("raw.hevc", "libx265"), ("raw.m1v", "mpeg1video"), ("raw.m2v", "mpeg2video")],
)
def test_a_raw_stream_has_its_codecs_own_rate(tmp_path, name, codec, rate):
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {"bf": "2"}
    track = VideoTrack(PICTURES, codec, rate=rate, time_base=1 / rate, options=options)
    clip, measured, warnings = read(write(tmp_path / name, track))
    assert clip.average_rate == pytest.approx(float(rate))
    assert measured.duration_s == pytest.approx(50 / float(rate), abs=0.002)
    times_s = [frame.time_s for frame in Pictures(tmp_path / name)]
    np.testing.assert_allclose(times_s, np.arange(50) / float(rate), atol=1e-6)
    assert warnings == []


def test_fields_that_a_raw_film_repeats_take_their_time(tmp_path):
    """Film at 24 pictures a second in a stream of 29.97: every other picture lasts three fields instead of two."""
    track = VideoTrack(PICTURES, "mpeg2video", rate=Fraction(30_000, 1001), time_base=Fraction(1001, 30_000))
    path = write(tmp_path / "film.m2v", track)
    stored = bytearray(path.read_bytes())
    at, pictures = 0, 0
    while (at := stored.find(b"\0\0\1\xb5", at)) >= 0:
        if stored[at + 4] >> 4 == 1:
            stored[at + 5] &= 0xF7  # the sequence may hold fields
        elif stored[at + 4] >> 4 == 8:
            stored[at + 7] |= 0x02 if pictures % 2 else 0
            pictures += 1
        at += 4
    path.write_bytes(stored)
    times_s = [frame.time_s for frame in Pictures(path)]
    assert times_s[-1] == pytest.approx(49 * 1.25 * 1001 / 30_000, abs=0.05)


def test_a_raw_stream_without_a_rate_says_what_is_assumed(tmp_path):
    import cv2

    path = tmp_path / "raw.mjpeg"
    path.write_bytes(b"".join(cv2.imencode(".jpg", picture)[1].tobytes() for picture in PICTURES[:10]))
    clip, measured, warnings = read(path)
    assert (clip.average_rate, measured.duration_s) == pytest.approx((25, 0.4))
    assert warnings == ["a raw stream that states no rate: 25 frames a second are assumed"]


def test_empty_packets_repeat_the_picture_and_are_no_damage(tmp_path):
    path = tmp_path / "repeats.nut"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuvj420p"
        for number, picture in enumerate(PICTURES[:20]):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            for packet in stream.encode(frame):
                if number % 4:
                    empty = av.Packet(b"")
                    empty.stream, empty.time_base = stream, packet.time_base
                    empty.pts, empty.dts, empty.duration = packet.pts, packet.dts, packet.duration
                    container.mux(empty)
                else:
                    container.mux(packet)
    pictures = Pictures(path)
    frames = list(pictures)
    assert [round((frame.image.mean() - 10) / 14) for frame in frames] == [number // 4 * 4 % 16 for number in range(20)]
    np.testing.assert_allclose([frame.time_s for frame in frames], np.arange(20) / 25, atol=1e-3)
    assert (pictures.damaged, pictures.warnings) == (0, [])
